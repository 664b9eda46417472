import { DATASETS, type Series } from '../core/datasets/registry.ts'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { liveFiles, snapshotOf, type Table } from '../lake/iceberg/table.ts'
import { scanSql } from '../lake/scan-sql.ts'
import { quoteName } from '../platform/duckdb/session.ts'

/** SQL of symbol and event time (`us`, microseconds) of every row of a series' table. */
export async function eventTimes(table: Table, series: Series): Promise<string> {
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) files.push(file)
  return `SELECT symbol, epoch_us(${quoteName(DATASETS[series.dataset].eventTime)}) AS us FROM (${await scanSql(table, table.shape, files)})`
}
