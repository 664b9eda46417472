import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { LakehouseError } from '../../core/errors.ts'
import { Inflater } from './inflater.ts'

/** Files up to this size are read at once, larger ones in pieces. */
const WHOLE_BYTES = 16 << 20
const PIECE_BYTES = 256 << 10

/** The bytes of a local file by range. */
export type FileBytes = { readonly size: number; read(start: number, end: number): Buffer; close(): void }

/** Reads zips one after the other with the same memory. The bytes of a file are valid until the next file is opened. */
export class ZipReader {
  readonly #inflater = new Inflater()
  readonly #wholeBytes: number
  #memory = Buffer.alloc(0)

  /** With `inPieces`, many open files take less memory. */
  constructor({ inPieces } = { inPieces: false }) {
    this.#wholeBytes = inPieces ? 0 : WHOLE_BYTES
  }

  /** Opens a local file. It must be closed before another file is opened. */
  openFile(path: string): FileBytes {
    const file = openSync(path, 'r')
    const { size } = fstatSync(file)
    if (size > this.#wholeBytes)
      return { size, read: (start, end) => readRange(file, start, Math.min(end, size)), close: () => closeSync(file) }
    try {
      if (this.#memory.length < size) this.#memory = Buffer.allocUnsafeSlow(Math.max(1 << 20, size))
      const bytes = this.#memory.subarray(0, readSync(file, this.#memory, 0, size, 0))
      return { size, read: (start, end) => bytes.subarray(start, end), close: () => {} }
    } finally {
      closeSync(file)
    }
  }

  /**
   * Opens the single entry of an archive file, reading synchronously and in bounded memory. Its length and CRC-32 are checked at the end.
   * Throws ZIP_INVALID for an unreadable zip. Throws ZIP_REFUSED for any other number of entries than one, an unsafe path, an encrypted entry,
   * or an entry larger than `maxEntryBytes`.
   */
  openEntry(file: FileBytes, label: string, maxEntryBytes: number): ZipEntry {
    const directory = readDirectory(file, label)
    const name = checkName(directory.name, label)
    if (directory.size > maxEntryBytes)
      throw refused(
        label,
        `its entry has ${directory.size} bytes, more than the bound of ${maxEntryBytes}; raise engine.maxEntryBytes if the file is genuine`,
        { bound: maxEntryBytes },
      )
    if (directory.size > FREE_BYTES && directory.size > MOST_RATIO * directory.compressedSize)
      throw refused(
        label,
        `its entry expands ${Math.round(directory.size / Math.max(1, directory.compressedSize))} times, more than ${MOST_RATIO}`,
      )
    if (directory.encrypted) throw refused(label, 'its entry is encrypted')
    const start = dataStart(file, directory.headerOffset, label)
    const stored = { start, end: start + directory.compressedSize }
    if (stored.end > file.size) throw invalid(label, 'its entry extends beyond the end of the file')
    return { name, size: directory.size, next: checkedBlocks(this.#plainBlocks(file, stored, directory, label), directory, label) }
  }

  *#plainBlocks(file: FileBytes, stored: { start: number; end: number }, directory: Directory, label: string): Generator<Buffer> {
    if (directory.method === 0) yield* pieces(file, stored)
    else {
      try {
        yield* this.#inflater.inflate(pieces(file, stored))
      } catch (error) {
        throw error instanceof TypeError ? invalid(label, 'its compressed bytes are damaged', error) : error
      }
    }
  }
}

function readRange(file: number, start: number, end: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, end - start))
  return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, start))
}

/** The only entry of a zip: name, size, and plain bytes in blocks. Each block is valid until the next one; after the last block, `next` returns undefined. */
export type ZipEntry = { readonly name: string; readonly size: number; next(): Buffer | undefined }

/** Returns the blocks and checks length and CRC. Too many bytes are an error at once; too few or wrong bytes are an error at the end. */
function checkedBlocks(blocks: Generator<Buffer>, directory: Directory, label: string): () => Buffer | undefined {
  let length = 0
  let sum = 0
  return () => {
    const block = blocks.next()
    if (block.done === true) {
      if (length !== directory.size || sum !== directory.crc)
        throw invalid(label, 'the length or CRC of its plain bytes differs from the values in the zip')
      return undefined
    }
    length += block.value.length
    if (length > directory.size) throw invalid(label, 'its entry has more bytes than the zip says')
    sum = crc32(block.value, sum)
    return block.value
  }
}

/** An entry beyond `FREE_BYTES` may not expand more than this: files of exchanges expand 3 to 30 times. */
const MOST_RATIO = 250
const FREE_BYTES = 32 << 20

type Directory = {
  name: Buffer
  size: number
  compressedSize: number
  crc: number
  method: number
  headerOffset: number
  encrypted: boolean
}

/** The central directory at the end of the file (with ZIP64 extensions), which must list exactly one entry. */
function readDirectory(file: FileBytes, label: string): Directory {
  const tailStart = Math.max(0, file.size - 65_557)
  const tail = file.read(tailStart, file.size)
  const at = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (at < 0 || at + 22 > tail.length) throw invalid(label, 'it does not have a central directory')
  let entries = tail.readUInt16LE(at + 10)
  let offset = tail.readUInt32LE(at + 16)
  if (entries === 0xffff || offset === 0xffffffff) {
    const wide = tail.lastIndexOf(Buffer.from('PK\x06\x06', 'latin1'), at)
    if (wide < 0 || wide + 56 > tail.length) throw invalid(label, 'its ZIP64 directory is missing')
    entries = Number(tail.readBigUInt64LE(wide + 32))
    offset = Number(tail.readBigUInt64LE(wide + 48))
  }
  if (entries !== 1) throw refused(label, `it has ${entries} entries instead of one`)
  const entry = file.read(offset, Math.min(file.size, offset + 46 + 0x20000))
  if (entry.length < 46 || entry.readUInt32LE(0) !== 0x02014b50) throw invalid(label, 'its central directory is damaged')
  return parseEntry(entry, label)
}

function parseEntry(entry: Buffer, label: string): Directory {
  const nameLength = entry.readUInt16LE(28)
  const extraLength = entry.readUInt16LE(30)
  if (entry.length < 46 + nameLength + extraLength) throw invalid(label, 'its central directory is damaged')
  const directory: Directory = {
    name: entry.subarray(46, 46 + nameLength),
    size: entry.readUInt32LE(24),
    compressedSize: entry.readUInt32LE(20),
    crc: entry.readUInt32LE(16),
    method: entry.readUInt16LE(10),
    headerOffset: entry.readUInt32LE(42),
    encrypted: (entry.readUInt16LE(8) & 1) === 1,
  }
  widen(directory, entry.subarray(46 + nameLength, 46 + nameLength + extraLength))
  if (directory.method !== 0 && directory.method !== 8) throw invalid(label, `its compression method ${directory.method} is not supported`)
  return directory
}

/** The ZIP64 extra field contains, in this order, the values that do not fit into 32 bits. */
function widen(directory: Directory, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    let from = at + 4
    for (const field of ['size', 'compressedSize', 'headerOffset'] as const) {
      if (directory[field] !== 0xffffffff || from + 8 > extra.length) continue
      directory[field] = Number(extra.readBigUInt64LE(from))
      from += 8
    }
  }
}

function checkName(bytes: Buffer, label: string): string {
  const name = bytes.toString('utf8')
  if (name === '' || name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.split(/[/\\]/).includes('..'))
    throw refused(label, `the path "${name}" of its entry is not safe`)
  return name
}

function dataStart(file: FileBytes, offset: number, label: string): number {
  const header = file.read(offset, offset + 30)
  if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50) throw invalid(label, 'its local header is damaged')
  return offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
}

function* pieces(file: FileBytes, { start, end }: { start: number; end: number }): Generator<Buffer> {
  for (let at = start; at < end; at += PIECE_BYTES) yield file.read(at, Math.min(at + PIECE_BYTES, end))
}

function invalid(label: string, why: string, cause?: unknown): LakehouseError {
  return new LakehouseError('ZIP_INVALID', `cannot read the zip ${label}: ${why}`, { details: { file: label }, cause })
}

function refused(label: string, why: string, details: { bound?: number } = {}): LakehouseError {
  return new LakehouseError('ZIP_REFUSED', `the zip ${label} was refused: ${why}`, { details: { file: label, ...details } })
}
