/** The Iceberg column types that tables may have here. A table with another type is refused when it is opened. */
export type IcebergType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | `decimal(${number}, ${number})`

const PLAIN: ReadonlySet<string> = new Set(['boolean', 'int', 'long', 'float', 'double', 'date', 'timestamp', 'timestamptz', 'string'])

/** The type that a schema names, or undefined for an unsupported type. */
export function parseType(text: string): IcebergType | undefined {
  if (PLAIN.has(text)) return text as IcebergType
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(text)
  return decimal === null ? undefined : `decimal(${Number(decimal[1])}, ${Number(decimal[2])})`
}

/** The DuckDB name of a type. */
export function sqlType(type: IcebergType): string {
  const names: Readonly<Record<string, string>> = {
    boolean: 'BOOLEAN',
    int: 'INTEGER',
    long: 'BIGINT',
    float: 'FLOAT',
    double: 'DOUBLE',
    date: 'DATE',
    timestamp: 'TIMESTAMP',
    timestamptz: 'TIMESTAMPTZ',
    string: 'VARCHAR',
  }
  return names[type] ?? type.toUpperCase()
}

/** The narrowest Iceberg type for a DuckDB type, or undefined if there is none. */
export function icebergType(sql: string): IcebergType | undefined {
  const names: Readonly<Record<string, IcebergType>> = {
    BOOLEAN: 'boolean',
    TINYINT: 'int',
    SMALLINT: 'int',
    INTEGER: 'int',
    UTINYINT: 'int',
    USMALLINT: 'int',
    UINTEGER: 'long',
    BIGINT: 'long',
    UBIGINT: 'decimal(20, 0)',
    HUGEINT: 'decimal(38, 0)',
    FLOAT: 'float',
    DOUBLE: 'double',
    DATE: 'date',
    TIMESTAMP: 'timestamp',
    'TIMESTAMP WITH TIME ZONE': 'timestamptz',
    VARCHAR: 'string',
  }
  return names[sql] ?? parseType(sql.toLowerCase().replaceAll(/\s/g, ''))
}

/**
 * A column value in our code: instants in microseconds, dates in days since 1970, decimals as unscaled integers, integers larger than 2^53 as bigint.
 */
export type ColumnValue = number | bigint | string | boolean

/** The single-value serialisation of Iceberg, which bounds use. */
export function encodeValue(type: IcebergType, value: ColumnValue): Buffer {
  switch (type) {
    case 'string':
      return Buffer.from(String(value))
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0])
    case 'float': {
      const buffer = Buffer.alloc(4)
      buffer.writeFloatLE(Number(value))
      return buffer
    }
    case 'double': {
      const buffer = Buffer.alloc(8)
      buffer.writeDoubleLE(Number(value))
      return buffer
    }
    case 'int':
    case 'date': {
      const buffer = Buffer.alloc(4)
      buffer.writeInt32LE(Number(value))
      return buffer
    }
    case 'long':
    case 'timestamp':
    case 'timestamptz': {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(BigInt(value))
      return buffer
    }
  }
  return twosComplement(BigInt(value))
}

/** Big-endian, in the fewest bytes that keep the sign. */
function twosComplement(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const bytes = Buffer.alloc(length)
  for (let at = length - 1, rest = BigInt.asUintN(8 * length, value); at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

/** The bytes that are hashed for a bucket: integers, dates and instants as eight bytes. */
export function encodeHashed(type: IcebergType, value: ColumnValue): Buffer {
  return type === 'int' || type === 'date' ? encodeValue('long', value) : encodeValue(type, value)
}

/** The value that `encodeValue` wrote, even if the type of the column was widened since (int to long, float to double). */
export function decodeValue(type: IcebergType, bytes: Uint8Array): ColumnValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case 'string':
      return buffer.toString('utf8')
    case 'boolean':
      return buffer[0] === 1
    case 'float':
    case 'double':
      return buffer.length === 4 ? buffer.readFloatLE() : buffer.readDoubleLE()
    case 'int':
    case 'date':
      return buffer.readInt32LE()
    case 'long':
    case 'timestamp':
    case 'timestamptz':
      return buffer.length === 4 ? buffer.readInt32LE() : plain(buffer.readBigInt64LE())
  }
  let value = BigInt((buffer[0] ?? 0) >= 128 ? -1 : 0)
  for (const byte of buffer) value = (value << 8n) | BigInt(byte)
  return plain(value)
}

/** A number if it is exact, else a bigint. */
export function plain(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** Orders two values of one column as Iceberg does: strings by UTF-8 bytes. */
export function compareValues(a: ColumnValue, b: ColumnValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

/** Sets the sign of zero so that the bound holds for both zeros. */
export function lowerBound(type: IcebergType, value: ColumnValue): ColumnValue {
  return isFloating(type) && value === 0 ? -0 : value
}

export function upperBound(type: IcebergType, value: ColumnValue): ColumnValue {
  return isFloating(type) && value === 0 ? 0 : value
}

export function isFloating(type: IcebergType): boolean {
  return type === 'double' || type === 'float'
}
