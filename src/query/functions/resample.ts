import { LakehouseError } from '../../core/errors.ts'
import { US_PER_DAY } from '../../core/time.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import { parseTimeRule } from '../../gold/bars/bar-rule.ts'
import { largestAmounts } from '../../gold/bars/bars.ts'
import { resampleSql } from '../../gold/bars/resample.ts'
import { tradedRows } from '../../gold/bars/traded-rows.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { exampleTable, isCountedInBase, tradedNames } from '../../sources/series.ts'
import { checkCut, rangeOf, sourceOf } from './source-rows.ts'
import type { Arguments, FunctionContext, TableFunction } from './table-function.ts'

const EXAMPLE_BARS = exampleTable(TRADED_BARS, '1m')

export const resample = {
  name: 'resample',
  parameters: { source: undefined, symbols: undefined, every: undefined, from: '', to: '', start_offset: '0m', zone: '' },
  example: `resample('${EXAMPLE_BARS}', 'BTC*', '7m' [, from, to, start_offset := '1m', zone := 'Europe/Berlin'])`,
  make,
} as const satisfies TableFunction

async function make(
  context: FunctionContext,
  { source = '', symbols = '', every = '', from = '', to = '', start_offset: offset = '', zone = '' }: Arguments,
): Promise<Relation<string>> {
  const rule = parseTimeRule(every, offset, zone === '' ? undefined : zone)
  const traded = tradedRows(source)
  const { rows, files, shape } = await sourceOf(context, source, symbols, rangeOf(from, to))
  const isTrades = traded.us === undefined && traded.interval === 'trades'
  if (!isTrades) checkCut(source, traded.us, 'us' in rule ? [rule.us, rule.offsetUs] : [US_PER_DAY, rule.offsetUs])
  const { amount, value } = tradedNames(traded.market)
  const price = isCountedInBase(traded.market) ? `, CASE WHEN ${amount} > 0 THEN ${value} / ${amount} END AS vwap` : ''
  const fine = {
    rows: traded.select(rows),
    us: traded.us ?? 1,
    name: traded.interval,
    areTrades: isTrades,
    origin: traded.origin(new Set(shape.fields.map((field) => field.name))),
    largest: isTrades ? new Map<string, number>() : largestAmounts(files, shape.fields),
  }
  const bars = resampleSql(traded.market, fine, rule)
  const held = isTrades ? ' EXCLUDE (bars_expected, bars_held, is_complete, bars_derived, bars_synthetic)' : ''
  const made = await Relation.from(context.session, `SELECT *${held}${price} FROM (${bars}) ORDER BY symbol, open_time`)
  if (isTrades || 'us' in rule || rule.zone === 'UTC') return made
  const [torn] = await context.session.rows(
    `SELECT any_value(open_time)::VARCHAR AS at_time FROM ${made} WHERE epoch_us(open_time) % ${traded.us ?? 1} <> 0`,
  )
  if (torn?.['at_time'] !== null)
    throw new LakehouseError(
      'USAGE',
      `days of ${rule.zone} begin within bars of ${source} (${String(torn?.['at_time'])}): take finer ones`,
      {
        details: { source, zone },
      },
    )
  return made
}
