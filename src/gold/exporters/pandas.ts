import { join } from 'node:path'
import { quote } from '../../platform/duckdb/session.ts'
import type { Exporter } from './exporter.ts'

export const pandas = {
  id: 'pandas',
  meaning: 'pandas, vectorbt, Polars: one Parquet file per symbol, SYMBOL-INTERVAL.parquet, sorted by time',
  async write({ session, rows, interval, folder }, symbol) {
    const file = `${symbol}-${interval}.parquet`
    await session.run(
      `COPY (SELECT * FROM (${rows}) WHERE symbol = ${quote(symbol)} ORDER BY open_time) TO ${quote(join(folder, file))} (FORMAT parquet, COMPRESSION zstd)`,
    )
    return [file]
  },
} as const satisfies Exporter
