import type { TimeRange } from '../core/time.ts'
import { planScan } from '../lake/iceberg/scan.ts'
import { snapshotOf, type Table } from '../lake/iceberg/table.ts'
import type { Lake } from '../lake/lake.ts'
import { everyRow, scanSql } from '../lake/tables/scan-sql.ts'
import { type DuckDBSession, quoteName } from '../platform/duckdb/session.ts'
import { contractOf, type Series, silverTableName } from '../sources/series.ts'

/** SQL of symbol and event time (`us`, microseconds) of every row of a series' table. */
export async function eventTimes(session: DuckDBSession, table: Table, series: Series): Promise<string> {
  return `SELECT symbol, epoch_us(${quoteName(contractOf(series).eventTime)}) AS us FROM (${await everyRow(session, table)})`
}

/** SQL of the rows of a series in a stretch of time, µs, and the number of bytes of their files. */
export async function rowsOf(lake: Lake, series: Series): Promise<(range: TimeRange) => Promise<{ sql: string; bytes: number }>> {
  const { eventTime } = contractOf(series)
  const table = await lake.table('silver', silverTableName(series))
  return async ({ start, end }) => {
    const { files } = await planScan(table, snapshotOf(table, undefined), [
      { column: eventTime, op: '>=', value: start },
      { column: eventTime, op: '<', value: end },
    ])
    const time = quoteName(eventTime)
    const sql = `SELECT * FROM (${await scanSql(lake.session, table, table.shape, files)}) WHERE ${time} >= make_timestamptz(${start}::BIGINT) AND ${time} < make_timestamptz(${end}::BIGINT)`
    return { sql, bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
  }
}
