import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import avro from 'avsc'
import { LakehouseError } from '../../core/errors.ts'
import { plain } from './values.ts'

const MAGIC = Buffer.from('Obj\x01', 'latin1')
const headerType = avro.Type.forSchema({ type: 'map', values: 'bytes' })
const longType = avro.Type.forSchema('long')

/** Numbers where they are exact, else bigint: other writers draw snapshot ids of 63 bits. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => plain(buffer.readBigInt64LE()),
  toBuffer: (value: number | bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(BigInt(value))
    return buffer
  },
  fromJSON: (value: number) => value,
  toJSON: (value: number | bigint) => Number(value),
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

/** "long", or { "type": "long" } as some write it. */
function isLong(schema: avro.Schema): boolean {
  return schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long')
}

/** Iceberg's ids are attributes that Avro does not know: the schema text is written as it is, the codec is compiled from it once. */
export type AvroSchema = { readonly text: string; readonly type: avro.Type }

const compiled = new Map<string, AvroSchema>()

export function compileSchema(schema: unknown): AvroSchema {
  const text = JSON.stringify(schema)
  const known = compiled.get(text)
  if (known !== undefined) return known
  const made = {
    text,
    type: avro.Type.forSchema(JSON.parse(text) as avro.Schema, {
      noAnonymousTypes: false,
      wrapUnions: false,
      typeHook: (found) => (isLong(found) ? exactLong : undefined),
    }),
  }
  compiled.set(text, made)
  return made
}

/** An Avro object container file of the records: codec null, one block, its sync marker derived from the content, so equal records give equal bytes. */
export function encodeContainer(schema: AvroSchema, metadata: Readonly<Record<string, string>>, records: readonly unknown[]): Buffer {
  const header = { 'avro.schema': schema.text, 'avro.codec': 'null', ...metadata }
  const head = headerType.toBuffer(Object.fromEntries(Object.entries(header).map(([key, value]) => [key, Buffer.from(value)])))
  const body = Buffer.concat(records.map((record) => schema.type.toBuffer(record)))
  const sync = createHash('sha256').update(head).update(body).digest().subarray(0, 16)
  const block = records.length === 0 ? [] : [longType.toBuffer(records.length), longType.toBuffer(body.length), body, sync]
  return Buffer.concat([MAGIC, head, sync, ...block])
}

export type DecodedContainer = { readonly metadata: Readonly<Record<string, string>>; readonly records: readonly unknown[] }

/** The metadata and records of an Avro object container file (codecs null and deflate). Throws TABLE_CORRUPT, naming `key`. */
export function decodeContainer(bytes: Uint8Array, key: string): DecodedContainer {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    throw new LakehouseError('TABLE_CORRUPT', `${key} is not a readable Avro file`, { details: { key }, cause: error })
  }
}

function decode(file: Buffer): DecodedContainer {
  if (!file.subarray(0, 4).equals(MAGIC)) throw new Error('no Avro magic')
  const head = decodeAt(headerType, file, 4)
  const metadata = Object.fromEntries(
    Object.entries(head.value as Record<string, Buffer>).map(([key, value]) => [key, value.toString('utf8')]),
  )
  const { type } = compileSchema(JSON.parse(metadata['avro.schema'] ?? ''))
  const sync = file.subarray(head.offset, head.offset + 16)
  const records: unknown[] = []
  let offset = head.offset + 16
  while (offset < file.length) {
    const count = decodeAt(longType, file, offset)
    const size = decodeAt(longType, file, count.offset)
    const end = size.offset + Number(size.value)
    if (end + 16 > file.length || !file.subarray(end, end + 16).equals(sync)) throw new Error('a block is cut off')
    const stored = file.subarray(size.offset, end)
    const block = metadata['avro.codec'] === 'deflate' ? inflateRawSync(stored) : stored
    for (let n = 0, at = 0; n < Number(count.value); n++) {
      const record = decodeAt(type, block, at)
      records.push(record.value)
      at = record.offset
    }
    offset = end + 16
  }
  return { metadata, records }
}

function decodeAt(type: avro.Type, buffer: Buffer, offset: number): { value: unknown; offset: number } {
  const decoded = type.decode(buffer, offset) as { value: unknown; offset: number }
  if (decoded.offset < 0) throw new Error('the file is cut off')
  return decoded
}
