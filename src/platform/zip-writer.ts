import { crc32, deflateRawSync } from 'node:zlib'

/** A zip with one deflated entry and a fixed date, so that the same text gives the same bytes. */
export function zipOne(name: string, content: Buffer): Buffer {
  return zipMany([{ name, content }])
}

export function zipMany(entries: readonly { name: string; content: Buffer }[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, content } of entries) {
    const bytes = Buffer.from(name)
    const packed = deflateRawSync(content, { level: 6 })
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    writeCommon(local, 4, content, packed, bytes.length)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(20, 4)
    writeCommon(entry, 6, content, packed, bytes.length)
    entry.writeUInt32LE(offset, 42)
    locals.push(local, bytes, packed)
    central.push(entry, bytes)
    offset += 30 + bytes.length + packed.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

/** The fields that local header and directory share; 1 January 2020 in DOS time. */
function writeCommon(header: Buffer, at: number, content: Buffer, packed: Buffer, nameLength: number): void {
  header.writeUInt16LE(20, at)
  header.writeUInt16LE(0, at + 2)
  header.writeUInt16LE(8, at + 4)
  header.writeUInt16LE(0, at + 6)
  header.writeUInt16LE(((2020 - 1980) << 9) | (1 << 5) | 1, at + 8)
  header.writeUInt32LE(crc32(content), at + 10)
  header.writeUInt32LE(packed.length, at + 14)
  header.writeUInt32LE(content.length, at + 18)
  header.writeUInt16LE(nameLength, at + 22)
}
