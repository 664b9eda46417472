import { type DuckDBDataChunk, type DuckDBResult, DuckDBTypeId } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import * as arrow from 'apache-arrow'
import { quoteName } from '../../platform/duckdb/session.ts'

/** How a DuckDB type travels: an Arrow type with the same memory layout, so that vectors are copied and never read value by value. */
type Layout = { readonly type: arrow.DataType; readonly bytes: number }

const UTC = 'UTC'

const LAYOUTS: Readonly<Partial<Record<DuckDBTypeId, Layout>>> = {
  [DuckDBTypeId.TINYINT]: { type: new arrow.Int8(), bytes: 1 },
  [DuckDBTypeId.SMALLINT]: { type: new arrow.Int16(), bytes: 2 },
  [DuckDBTypeId.INTEGER]: { type: new arrow.Int32(), bytes: 4 },
  [DuckDBTypeId.BIGINT]: { type: new arrow.Int64(), bytes: 8 },
  [DuckDBTypeId.UTINYINT]: { type: new arrow.Uint8(), bytes: 1 },
  [DuckDBTypeId.USMALLINT]: { type: new arrow.Uint16(), bytes: 2 },
  [DuckDBTypeId.UINTEGER]: { type: new arrow.Uint32(), bytes: 4 },
  [DuckDBTypeId.UBIGINT]: { type: new arrow.Uint64(), bytes: 8 },
  [DuckDBTypeId.FLOAT]: { type: new arrow.Float32(), bytes: 4 },
  [DuckDBTypeId.DOUBLE]: { type: new arrow.Float64(), bytes: 8 },
  [DuckDBTypeId.DATE]: { type: new arrow.DateDay(), bytes: 4 },
  [DuckDBTypeId.TIMESTAMP]: { type: new arrow.TimestampMicrosecond(), bytes: 8 },
  [DuckDBTypeId.TIMESTAMP_TZ]: { type: new arrow.TimestampMicrosecond(UTC), bytes: 8 },
  [DuckDBTypeId.TIMESTAMP_MS]: { type: new arrow.TimestampMillisecond(), bytes: 8 },
  [DuckDBTypeId.TIMESTAMP_NS]: { type: new arrow.TimestampNanosecond(), bytes: 8 },
}

/** SQL that gives every column of `relation` a type that has an Arrow layout: wide integers become decimal(38, 0), decimals 38 digits wide, all else text. */
export function arrowSelect(relation: string, columns: readonly { name: string; type: string }[]): string {
  const casts = columns.map(({ name, type }) => {
    const column = quoteName(name)
    const scale = /^DECIMAL\(\d+,(\d+)\)$/.exec(type)?.[1]
    if (scale !== undefined) return `${column}::DECIMAL(38, ${scale}) AS ${column}`
    if (type === 'HUGEINT' || type === 'UHUGEINT') return `${column}::DECIMAL(38, 0) AS ${column}`
    return /^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|FLOAT|DOUBLE|DATE|BOOLEAN|VARCHAR|TIMESTAMP|TIMESTAMP_MS|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE)$/.test(
      type,
    )
      ? column
      : `${column}::VARCHAR AS ${column}`
  })
  return `SELECT ${casts.join(', ')} FROM ${relation}`
}

/** The bytes of an Arrow IPC stream of the result, batch by batch as it is made. The result's types must be those of `arrowSelect`. */
export async function* arrowStream(result: DuckDBResult): AsyncGenerator<Uint8Array> {
  const names = result.columnNames()
  const layouts = result
    .columnTypes()
    .map((type, index) => layoutOf(type.typeId, 'scale' in type ? Number(type.scale) : 0, names[index] ?? ''))
  const schema = new arrow.Schema(layouts.map((layout, index) => new arrow.Field(names[index] ?? '', layout.type, true)))
  const opening = new arrow.RecordBatchStreamWriter().reset(undefined, schema).finish().toUint8Array(true)
  const head = opening.length - END_BYTES
  yield opening.subarray(0, head)
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const bytes = arrow.RecordBatchStreamWriter.writeAll([toBatch(schema, layouts, chunk)]).toUint8Array(true)
    yield bytes.subarray(head, bytes.length - END_BYTES)
  }
  yield opening.subarray(head)
}

/** A stream ends with an empty message. */
const END_BYTES = 8

function layoutOf(id: DuckDBTypeId, scale: number, name: string): Layout {
  if (id === DuckDBTypeId.DECIMAL) return { type: new arrow.Decimal(scale, 38, 128), bytes: 16 }
  if (id === DuckDBTypeId.BOOLEAN) return { type: new arrow.Bool(), bytes: 1 }
  if (id === DuckDBTypeId.VARCHAR) return { type: new arrow.Utf8(), bytes: 0 }
  const layout = LAYOUTS[id]
  if (layout === undefined) throw new TypeError(`column ${name} has a type without an Arrow layout`)
  return layout
}

function toBatch(schema: arrow.Schema, layouts: readonly Layout[], chunk: DuckDBDataChunk): arrow.RecordBatch {
  const children = layouts.map((layout, index) => columnData(layout, chunk, index))
  const struct = arrow.makeData({ type: new arrow.Struct(schema.fields), length: chunk.rowCount, nullCount: 0, children })
  return new arrow.RecordBatch(schema, struct)
}

function columnData(layout: Layout, chunk: DuckDBDataChunk, index: number): arrow.Data {
  const length = chunk.rowCount
  if (arrow.DataType.isUtf8(layout.type))
    return arrow.vectorFromArray(
      chunk.getColumnValues(index).map((value) => (value === null ? null : String(value))),
      layout.type,
    ).data[0] as arrow.Data
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, index)
  const nullBitmap = bitmapOf(vector, length)
  const data = new Uint8Array(duckdb.vector_get_data(vector, length * layout.bytes))
  if (arrow.DataType.isBool(layout.type)) return arrow.makeData({ type: layout.type, length, nullBitmap, data: packBits(data, length) })
  const typed = new layout.type.ArrayType(data.buffer, data.byteOffset, data.byteLength / layout.type.ArrayType.BYTES_PER_ELEMENT)
  return arrow.makeData({ type: layout.type, length, nullBitmap, data: typed } as Parameters<typeof arrow.makeData>[0]) as arrow.Data
}

/** DuckDB's validity mask is a bitmap of 64-bit words, lowest bit first: Arrow's own. A vector without nulls has none. */
function bitmapOf(vector: Parameters<typeof duckdb.vector_get_validity>[0], length: number): Uint8Array | null {
  const mask = duckdb.vector_get_validity(vector, Math.ceil(length / 64) * 8) as Uint8Array | null | undefined
  return mask === null || mask === undefined || mask.length === 0 ? null : new Uint8Array(mask)
}

function packBits(values: Uint8Array, length: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8))
  for (let row = 0; row < length; row++) if (values[row] === 1) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
  return bits
}
