import { LakehouseError } from '../core/errors.ts'
import { computeIndicators, inputRows } from '../gold/compute-indicators.ts'
import { parseIndicators } from '../gold/indicator-spec.ts'
import { planScan } from '../lake/iceberg/scan.ts'
import { type AsOf, loadTable, required, shapeAt, snapshotOf } from '../lake/iceberg/table.ts'
import { scanSql } from '../lake/scan-sql.ts'
import { type DuckDBSession, quote, quoteName } from '../platform/duckdb/session.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** The table function that computes indicators: indicators(table, symbol, 'rsi(14), …' [, benchmark symbol]). */
export const INDICATORS_FUNCTION = 'indicators'

/** One call of it; every argument is a constant. */
export type IndicatorCall = { readonly table: string; readonly symbol: string; readonly spec: string; readonly benchmark: string }

/** A call of the arguments that a statement gives. Throws SQL_INVALID for others than three or four constant texts. */
export function toCall(values: readonly unknown[]): IndicatorCall {
  const [table, symbol, spec, benchmark = ''] = values
  if (values.length > 4 || [table, symbol, spec, benchmark].some((value) => typeof value !== 'string'))
    throw new LakehouseError(
      'SQL_INVALID',
      "indicators takes texts: indicators('silver.binance_spot_klines_1m', 'BTCUSDT', 'rsi(14), macd(12, 26, 9)' [, 'ETHUSDT' as the benchmark])",
    )
  return { table, symbol, spec, benchmark } as IndicatorCall
}

/**
 * Computes what the calls ask for and makes the function that gives it: open_time, the bar's own columns, and those of the indicators. Throws TABLE_NOT_FOUND, INDICATOR_INVALID.
 */
export async function bindIndicators(
  session: DuckDBSession,
  store: ObjectStore,
  calls: readonly IndicatorCall[],
  asOf: AsOf | undefined,
): Promise<void> {
  if (calls.length === 0) return
  for (const call of calls) await compute(session, store, call, asOf)
  const key = ['source', 'symbol', 'spec', 'benchmark'].join(' || chr(0) || ')
  await session.run(
    `CREATE OR REPLACE TEMP MACRO indicators(source, symbol, spec, benchmark := '') AS TABLE SELECT * FROM query_table('indicators ' || md5(${key}))`,
  )
}

async function compute(
  session: DuckDBSession,
  store: ObjectStore,
  { table: name, symbol, spec, benchmark }: IndicatorCall,
  asOf: AsOf | undefined,
): Promise<void> {
  const specs = parseIndicators(spec)
  const root = name.replace('.', '/')
  const table = required(await loadTable(store, root), root)
  const shape = asOf === undefined ? table.shape : shapeAt(table, snapshotOf(table, asOf))
  const rowsOf = async (one: string) => {
    const { files } = await planScan(table, snapshotOf(table, asOf), [{ column: 'symbol', op: '=', value: one }], shape)
    return `SELECT * FROM (${await scanSql(table, shape, files)}) WHERE symbol = ${quote(one)}`
  }
  const own = await rowsOf(symbol)
  const columns = shape.fields.map((field) => field.name)
  if (!columns.includes('open_time') || !columns.includes('close'))
    throw new LakehouseError('INDICATOR_INVALID', `${name} has no bars: indicators are computed over open_time and prices`, {
      details: { table: name },
    })
  const bars =
    benchmark === ''
      ? own
      : `SELECT b.*, o.close AS benchmark FROM (${own}) b LEFT JOIN (${await rowsOf(benchmark)}) o ON o.open_time = b.open_time`
  await session.run(`CREATE OR REPLACE TEMP TABLE indicator_bars AS ${bars}`)
  const all = benchmark === '' ? columns : [...columns, 'benchmark']
  await computeIndicators(session, inputRows('FROM indicator_bars', all, specs), specs, 'indicator_values')
  const key = `md5(${[name, symbol, spec, benchmark].map(quote).join(' || chr(0) || ')})`
  const [row] = await session.rows(`SELECT 'indicators ' || ${key} AS name`)
  const given = specs.flatMap((one) => one.columns).map((column) => `v.${quoteName(column)}`)
  await session.run(`CREATE OR REPLACE TEMP TABLE ${quoteName(String(row?.['name']))} AS
    SELECT b.*, ${given.join(', ')} FROM indicator_bars b JOIN indicator_values v ON v.symbol = b.symbol AND v.open_time = b.open_time ORDER BY b.open_time`)
  await session.run('DROP TABLE indicator_bars')
  await session.run('DROP TABLE indicator_values')
}
