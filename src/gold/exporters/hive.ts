import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote } from '../../platform/duckdb/session.ts'
import type { Exporter } from './exporter.ts'

export const hive = {
  id: 'hive',
  meaning: 'any tool that reads partitioned Parquet folders: symbol=S/year=YYYY/month=MM/data.parquet',
  async write({ session, rows, folder }, symbol) {
    await using exported = await Relation.from(
      session,
      `SELECT *, strftime(open_time, '%Y') AS y, strftime(open_time, '%m') AS m FROM (${rows}) WHERE symbol = ${quote(symbol)}`,
    )
    const months = await session.rows(`SELECT DISTINCT y, m FROM ${exported} ORDER BY ALL`)
    const files: string[] = []
    for (const { y, m } of months) {
      const path = join(`symbol=${symbol}`, `year=${String(y)}`, `month=${String(m)}`)
      await mkdir(join(folder, path), { recursive: true })
      const chosen = `SELECT * EXCLUDE (symbol, y, m) FROM ${exported} WHERE y = ${quote(String(y))} AND m = ${quote(String(m))} ORDER BY open_time`
      await session.run(`COPY (${chosen}) TO ${quote(join(folder, path, 'data.parquet'))} (FORMAT parquet, COMPRESSION zstd)`)
      files.push(join(path, 'data.parquet'))
    }
    return files
  },
} as const satisfies Exporter
