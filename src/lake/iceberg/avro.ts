import { createHash } from 'node:crypto'
import avro from 'avsc'
import { LakehouseError } from '../../core/errors.ts'
import { readContainer, reader } from './avro-reader.ts'
import { plain } from './values.ts'

const MAGIC = Buffer.from('Obj\x01', 'latin1')
const headerType = avro.Type.forSchema({ type: 'map', values: 'bytes' })
const longType = avro.Type.forSchema('long')

/** Numbers if they are exact, else bigint: other writers use snapshot ids of 63 bits. */
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

/** The ids of Iceberg are attributes that Avro does not know, so the schema text is written unchanged. The codec is compiled from it once. */
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

/** The records of an Avro object container file (codecs null and deflate). Throws TABLE_CORRUPT, naming `key`. */
export function decodeContainer(bytes: Uint8Array, key: string): readonly unknown[] {
  const records: unknown[] = []
  try {
    readContainer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (schema) => {
      const read = reader(schema, () => true)
      return (cursor) => records.push(read(cursor))
    })
  } catch (error) {
    throw new LakehouseError('TABLE_CORRUPT', `cannot read the Avro file ${key}: restore it from a backup with \`restore\``, {
      details: { key },
      cause: error,
    })
  }
  return records
}
