/** The plain bytes of a raw snappy block. Throws RangeError. Format: https://github.com/google/snappy/blob/main/format_description.txt */
export function unsnappy(block: Uint8Array): Buffer {
  let at = 0
  const byte = () => {
    const value = block[at++]
    if (value === undefined) throw new RangeError('a snappy block is truncated')
    return value
  }
  const little = (bytes: number) => {
    let value = 0
    for (let n = 0; n < bytes; n++) value += byte() * 2 ** (8 * n)
    return value
  }
  let length = 0
  for (let shift = 0, more = true; more; shift += 7) {
    const part = byte()
    length += (part & 0x7f) * 2 ** shift
    more = part >= 0x80 && shift < 28
  }
  if (length > MOST) throw new RangeError('a snappy block claims too many bytes')
  const plain = Buffer.alloc(length)
  let to = 0
  while (at < block.length) {
    const tag = byte()
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >> 2
      const size = 1 + (short < 60 ? short : little(short - 59))
      if (at + size > block.length || to + size > length) throw new RangeError('a snappy block is damaged')
      plain.set(block.subarray(at, at + size), to)
      at += size
      to += size
      continue
    }
    const size = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2)
    const offset = kind === 1 ? ((tag >> 5) << 8) + byte() : little(kind === 2 ? 2 : 4)
    if (offset === 0 || offset > to || to + size > length) throw new RangeError('a snappy block is damaged')
    // Byte by byte, because source and target may overlap.
    for (let n = 0; n < size; n++, to++) plain[to] = plain[to - offset] as number
  }
  if (to !== length) throw new RangeError('a snappy block is truncated')
  return plain
}

/** Plain bytes of the largest block. */
const MOST = 1 << 28
