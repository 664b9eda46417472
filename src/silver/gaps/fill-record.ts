import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { liveFiles, loadTable, required, snapshotOf } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { contractOf, isBars, type Series, silverTableName } from '../../sources/series.ts'
import { replaceRows, reportShape } from '../quality/report-shape.ts'
import type { Cause } from './causes.ts'
import type { FillMethod } from './fill-methods.ts'
import { isFilled } from './filled.ts'

/** A plan for rows of one gap: `method` gives `rows` rows, from the table `source`, or with `requests` requests to the REST interface. */
export type FillStep = {
  readonly table: string
  readonly symbol: string
  readonly gapStart: string
  readonly gapEnd: string
  readonly cause: Cause
  readonly method: FillMethod
  readonly source: string | null
  readonly rows: number
  readonly requests: number
  readonly status: 'planned' | 'filled' | 'open' | 'unfillable'
}

const FILLS = reportShape(
  {
    symbol: 'string',
    from_time: 'timestamptz',
    to_time: 'timestamptz',
    cause: 'string',
    method: 'string',
    source_object: 'string',
    row_count: 'long',
    status: 'string',
  },
  ['symbol', 'from_time', 'method'],
)

/** SQL of the stretches that a user decided to fill. */
const DECIDED = `SELECT symbol, epoch_us(from_time) AS s, epoch_us(to_time) AS e, cause, method, source_object, row_count, status FROM`

const FILL_COLUMNS = ['symbol', 's', 'e', 'cause', 'method', 'source_object', 'row_count', 'status'] as const

/** SQL of the rows of silver.fills about a table, or undefined if there are none. */
export async function formerFills(lake: Lake, name: string): Promise<string | undefined> {
  const { session } = lake
  const table = await lake.findTable('silver', 'fills')
  if (table === undefined) return undefined
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) if (file.partition[0] === `silver.${name}`) files.push(file)
  return files.length === 0 ? undefined : `${DECIDED} (${await scanSql(session, table, table.shape, files)})`
}

export async function filledFiles(lake: Lake, name: string): Promise<DataFile[]> {
  const { store } = lake
  const root = tableKey('silver', name)
  const table = required(await loadTable(store, root), root)
  const files: DataFile[] = []
  for await (const file of liveFiles(table, snapshotOf(table, undefined))) if (isFilled(file)) files.push(file)
  return files
}

/** Records what was filled now, what was filled before and still exists, and what is open. If only former decisions were repeated, the former open entries stay. */
export async function recordFills(lake: Lake, series: Series, steps: readonly FillStep[], again: boolean): Promise<void> {
  const { store, session } = lake
  const name = silverTableName(series)
  const root = tableKey('silver', name)
  const table = required(await loadTable(store, root), root)
  const none = `SELECT NULL::VARCHAR AS symbol, 0::BIGINT AS s, 0::BIGINT AS e, '' AS cause, '' AS method, '' AS source_object, 0::BIGINT AS row_count, '' AS status WHERE false`
  const kept = steps.filter(({ status }) => status === 'filled' || !again)
  const values = kept.map(
    (one) =>
      `(${quote(one.symbol)}, epoch_us(${quote(one.gapStart)}::TIMESTAMPTZ), epoch_us(${quote(one.gapEnd)}::TIMESTAMPTZ), ${[one.cause, one.method, one.source ?? '', one.status].map(quote).join(', ')}, ${one.rows}::BIGINT)`,
  )
  const fresh =
    values.length === 0
      ? none
      : `SELECT symbol, s, e, cause, method, source_object, row_count, status FROM (VALUES ${values.join(', ')}) AS v(symbol, s, e, cause, method, source_object, status, row_count)`
  await using now = await Relation.of(session, FILL_COLUMNS, fresh)
  await using before = await Relation.of(session, FILL_COLUMNS, (await formerFills(lake, name)) ?? none)
  const derived = `SELECT symbol, epoch_us(${quoteName(contractOf(series).eventTime)}) AS us, source_object FROM (${await scanSql(session, table, table.shape, await filledFiles(lake, name))})`
  const held = isBars(series)
    ? `SELECT f.symbol, f.s, f.e, f.cause, f.method, f.source_object, count(*) AS row_count, 'filled' AS status FROM ${before} f JOIN (${derived}) d ON d.symbol = f.symbol AND d.us >= f.s AND d.us < f.e AND d.source_object = f.source_object
      WHERE f.status = 'filled' AND NOT EXISTS (SELECT 1 FROM ${now} n WHERE n.status = 'filled' AND n.symbol = f.symbol AND n.s < f.e AND n.e > f.s) GROUP BY ALL`
    : none
  const open = again ? `SELECT * FROM ${before} WHERE status <> 'filled'` : none
  await replaceRows(
    lake,
    'fills',
    `silver.${name}`,
    FILLS,
    `SELECT ${quote(`silver.${name}`)} AS table_name, symbol, make_timestamptz(s) AS from_time, make_timestamptz(e) AS to_time, cause, method, source_object, row_count, status
    FROM (SELECT * FROM ${now} UNION ALL BY NAME ${held} UNION ALL BY NAME ${open}) ORDER BY symbol, from_time, method`,
  )
}
