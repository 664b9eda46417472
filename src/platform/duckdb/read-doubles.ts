import type { DuckDBDataChunk } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'

/** Copies a DOUBLE column of a chunk to `target`, starting at position `at`. Null becomes NaN. Returns the number of nulls. */
export function readDoubles(chunk: DuckDBDataChunk, column: number, target: Float64Array, at: number): number {
  const rows = chunk.rowCount
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column)
  const bytes = duckdb.vector_get_data(vector, rows * 8)
  target.set(new Float64Array(bytes.buffer, bytes.byteOffset, rows), at)
  const mask = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null | undefined
  if (mask === null || mask === undefined || mask.length === 0) return 0
  let nulls = 0
  for (let row = 0; row < rows; row++)
    if (((mask[row >> 3] as number) & (1 << (row & 7))) === 0) {
      target[at + row] = Number.NaN
      nulls++
    }
  return nulls
}
