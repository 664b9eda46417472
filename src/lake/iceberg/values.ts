import type { IcebergType } from './schema.ts'

/** A column value as our code holds it: instants in microseconds. */
export type ColumnValue = number | string | boolean

/** Iceberg's single-value serialisation, used for bounds. */
export function encodeValue(type: IcebergType, value: ColumnValue): Buffer {
  switch (type) {
    case 'string':
      return Buffer.from(String(value))
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0])
    case 'double': {
      const buffer = Buffer.alloc(8)
      buffer.writeDoubleLE(Number(value))
      return buffer
    }
    case 'long':
    case 'timestamptz': {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(BigInt(value))
      return buffer
    }
  }
}

/** The value that `encodeValue` wrote. */
export function decodeValue(type: IcebergType, bytes: Uint8Array): ColumnValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case 'string':
      return buffer.toString('utf8')
    case 'boolean':
      return buffer[0] === 1
    case 'double':
      return buffer.readDoubleLE()
    case 'long':
    case 'timestamptz':
      return Number(buffer.readBigInt64LE())
  }
}

/** Orders two values of one column as Iceberg does: strings by UTF-8 bytes. */
export function compareValues(a: ColumnValue, b: ColumnValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return Number(a) - Number(b)
}

/** Zeros carry the sign that makes the bound hold for both zeros. */
export function lowerBound(type: IcebergType, value: ColumnValue): ColumnValue {
  return type === 'double' && value === 0 ? -0 : value
}

export function upperBound(type: IcebergType, value: ColumnValue): ColumnValue {
  return type === 'double' && value === 0 ? 0 : value
}
