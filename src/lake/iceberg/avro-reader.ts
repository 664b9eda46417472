import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { unsnappy } from './unsnappy.ts'
import { plain } from './values.ts'

// Reads Avro object container files field by field and skips unused fields: manifests of a hundred thousand files are mostly column statistics.
// Format: https://avro.apache.org/docs/1.11.1/specification/

type Field = { readonly name: string; readonly type: Schema }
type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: Schema
      readonly fields?: readonly Field[]
      readonly items?: Schema
      readonly values?: Schema
      readonly size?: number
      readonly symbols?: readonly string[]
      readonly name?: string
    }

/** A position in a file. Throws RangeError beyond its end. */
export class AvroCursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new RangeError('the file is truncated')
    return value
  }

  /** A zigzag varint; bigint beyond 2^53. */
  long(): number | bigint {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const next = this.byte()
      low |= (next & 0x7f) << shift
      if (next < 0x80) return (low >>> 1) ^ -(low & 1)
    }
    let value = BigInt(low)
    for (let shift = 28n; ; shift += 7n) {
      const next = this.byte()
      value |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return plain(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)))
    }
  }

  int(): number {
    return Number(this.long())
  }

  skipLong(): void {
    while (this.byte() >= 0x80);
  }

  length(): number {
    const length = this.int()
    if (length < 0 || this.at + length > this.bytes.length) throw new RangeError('the file is truncated')
    return length
  }

  slice(): Buffer {
    const length = this.length()
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  text(): string {
    const length = this.length()
    this.at += length
    return this.bytes.toString('utf8', this.at - length, this.at)
  }

  skip(length: number): void {
    this.at += length
    if (this.at > this.bytes.length) throw new RangeError('the file is truncated')
  }
}

export type Reader = (cursor: AvroCursor) => unknown

/** How to skip a value of the schema. */
function skipper(schema: unknown, named: Map<string, Schema> = new Map()): (cursor: AvroCursor) => void {
  const found = resolve(schema as Schema, named)
  if (Array.isArray(found)) {
    const branches = found.map((branch) => skipper(branch, named))
    return (cursor) => branchOf(branches, cursor)(cursor)
  }
  const { type, fields = [], items, values, size = 0 } = found as Exclude<Schema, string | readonly Schema[]>
  switch (type) {
    case 'null':
      return () => {}
    case 'boolean':
      return (cursor) => cursor.skip(1)
    case 'int':
    case 'long':
    case 'enum':
      return (cursor) => cursor.skipLong()
    case 'float':
      return (cursor) => cursor.skip(4)
    case 'double':
      return (cursor) => cursor.skip(8)
    case 'bytes':
    case 'string':
      return (cursor) => cursor.skip(cursor.length())
    case 'fixed':
      return (cursor) => cursor.skip(size)
    case 'record': {
      const skips = fields.map((field) => skipper(field.type, named))
      return (cursor) => {
        for (const skip of skips) skip(cursor)
      }
    }
    case 'array':
    case 'map': {
      const skip = skipper(items ?? values ?? 'null', named)
      const isMap = type === 'map'
      return (cursor) => {
        for (let count = blockCount(cursor); count !== 0; count = blockCount(cursor))
          for (let n = 0; n < count; n++) {
            if (isMap) cursor.skip(cursor.length())
            skip(cursor)
          }
      }
    }
  }
  throw new TypeError(`the Avro schema has the unsupported type ${JSON.stringify(type)}`)
}

/** How to read a value of the schema. Of the key-value arrays that Iceberg uses for maps, only keys that `wants` accepts are read. */
export function reader(schema: unknown, wants: (key: number) => boolean, named: Map<string, Schema> = new Map()): Reader {
  const found = resolve(schema as Schema, named)
  if (Array.isArray(found)) {
    const branches = found.map((branch) => reader(branch, wants, named))
    return (cursor) => branchOf(branches, cursor)(cursor)
  }
  const { type, fields = [], items, size = 0 } = found as Exclude<Schema, string | readonly Schema[]>
  switch (type) {
    case 'null':
      return () => null
    case 'boolean':
      return (cursor) => cursor.byte() === 1
    case 'int':
    case 'long':
      return (cursor) => cursor.long()
    case 'float':
      return (cursor) => {
        cursor.skip(4)
        return cursor.bytes.readFloatLE(cursor.at - 4)
      }
    case 'double':
      return (cursor) => {
        cursor.skip(8)
        return cursor.bytes.readDoubleLE(cursor.at - 8)
      }
    case 'bytes':
      return (cursor) => cursor.slice()
    case 'string':
      return (cursor) => cursor.text()
    case 'fixed':
      return (cursor) => {
        cursor.skip(size)
        return cursor.bytes.subarray(cursor.at - size, cursor.at)
      }
    case 'record':
      return recordReader(fields, new Set(fields.map((field) => field.name)), wants, named)
    case 'array':
      return arrayReader(items ?? 'null', wants, named)
  }
  throw new TypeError(`the Avro schema has the unsupported type ${JSON.stringify(type)}`)
}

/** The fields of a record with the given names, as an object; other fields are skipped. */
export function recordReader(
  fields: readonly Field[],
  names: ReadonlySet<string>,
  wants: (key: number) => boolean,
  named: Map<string, Schema> = new Map(),
): Reader {
  const steps = fields.map(({ name, type }) =>
    names.has(name) ? { name, read: reader(type, wants, named) } : { name: undefined, read: skipper(type, named) },
  )
  return (cursor) => {
    const record: Record<string, unknown> = {}
    for (const { name, read } of steps) {
      const value = read(cursor)
      if (name !== undefined) record[name] = value
    }
    return record
  }
}

function arrayReader(items: Schema, wants: (key: number) => boolean, named: Map<string, Schema>): Reader {
  const pair = resolve(items, named)
  const fields = typeof pair === 'object' && 'fields' in pair ? (pair.fields ?? []) : []
  if (fields[0]?.name === 'key' && fields[1]?.name === 'value') {
    const [read, skip] = [reader(fields[1].type, wants, named), skipper(fields[1].type, named)]
    return (cursor) => {
      const held = new Map<number, unknown>()
      for (let count = blockCount(cursor); count !== 0; count = blockCount(cursor))
        for (let n = 0; n < count; n++) {
          const key = cursor.int()
          if (wants(key)) held.set(key, read(cursor))
          else skip(cursor)
        }
      return held
    }
  }
  const read = reader(items, wants, named)
  return (cursor) => {
    const held: unknown[] = []
    for (let count = blockCount(cursor); count !== 0; count = blockCount(cursor)) for (let n = 0; n < count; n++) held.push(read(cursor))
    return held
  }
}

/** A negative count is followed by the size of the block in bytes. */
function blockCount(cursor: AvroCursor): number {
  const count = cursor.int()
  if (count >= 0) return count
  cursor.skipLong()
  return -count
}

function branchOf<T>(branches: readonly T[], cursor: AvroCursor): T {
  const branch = branches[cursor.int()]
  if (branch === undefined) throw new RangeError('a value has a type that is not in the schema')
  return branch
}

function resolve(schema: Schema, named: Map<string, Schema>): Exclude<Schema, string> {
  if (typeof schema === 'string') return named.get(schema) !== undefined ? resolve(named.get(schema) ?? 'null', named) : { type: schema }
  if (Array.isArray(schema)) return schema as readonly Schema[]
  const found = schema as Exclude<Schema, string | readonly Schema[]>
  if (found.name !== undefined) named.set(found.name, found)
  // {"type": {"type": "array", …}} has one unnecessary level.
  return typeof found.type === 'object' ? resolve(found.type, named) : found
}

/** The schema of the records in a container. */
export type RecordSchema = { readonly fields?: readonly Field[] }

const MAGIC = 'Obj\u0001'

/** The plain bytes of a block; undefined for a block that is not compressed. Throws RangeError for a codec that is not supported. */
function decompress(codec: string, block: Buffer): Buffer | undefined {
  switch (codec) {
    case 'null':
      return undefined
    case 'deflate':
      return inflateRawSync(block)
    case 'zstandard':
      return zstdDecompressSync(block)
    case 'snappy':
      // A CRC-32 of the plain bytes follows.
      return unsnappy(block.subarray(0, -4))
  }
  throw new RangeError(`the codec ${codec} is not supported`)
}

/** Reads the header of a container, then each record with the function that `open` returns for the schema. Throws what the cursor throws, and SyntaxError. */
export function readContainer(file: Buffer, open: (schema: RecordSchema) => (cursor: AvroCursor) => void): void {
  if (file.toString('latin1', 0, 4) !== MAGIC) throw new RangeError('the file does not begin with the Avro magic bytes')
  const cursor = new AvroCursor(file, 4)
  const metadata: Record<string, string> = {}
  for (let count = blockCount(cursor); count !== 0; count = blockCount(cursor))
    for (let n = 0; n < count; n++) {
      const key = cursor.text()
      metadata[key] = cursor.slice().toString('utf8')
    }
  const sync = file.subarray(cursor.at, cursor.at + 16)
  cursor.skip(16)
  const record = open(JSON.parse(metadata['avro.schema'] ?? '') as RecordSchema)
  while (cursor.at < file.length) {
    const count = cursor.int()
    const size = cursor.length()
    const end = cursor.at + size
    if (!file.subarray(end, end + 16).equals(sync)) throw new RangeError('a block is truncated')
    const plain = decompress(metadata['avro.codec'] ?? 'null', file.subarray(cursor.at, end))
    const block = plain === undefined ? new AvroCursor(file.subarray(0, end), cursor.at) : new AvroCursor(plain)
    for (let n = 0; n < count; n++) record(block)
    cursor.skip(size + 16)
  }
}
