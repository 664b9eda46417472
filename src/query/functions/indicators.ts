import { LakehouseError } from '../../core/errors.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import { computeIndicators, inputRows } from '../../gold/indicators/compute-indicators.ts'
import { parseIndicators } from '../../gold/indicators/indicator-spec.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quoteName } from '../../platform/duckdb/session.ts'
import { exampleTable } from '../../sources/series.ts'
import { sourceOf } from './source-rows.ts'
import type { Arguments, FunctionContext, TableFunction } from './table-function.ts'

const EXAMPLE_BARS = exampleTable(TRADED_BARS, '1m')

export const indicators = {
  name: 'indicators',
  parameters: { source: undefined, symbol: undefined, spec: undefined, benchmark: '' },
  example: `indicators('${EXAMPLE_BARS}', 'BTCUSDT', 'rsi(14), macd(12, 26, 9)' [, 'ETHUSDT' as the benchmark])`,
  make,
} as const satisfies TableFunction

async function make(
  context: FunctionContext,
  { source = '', symbol = '', spec = '', benchmark = '' }: Arguments,
): Promise<Relation<string>> {
  const { session } = context
  const specs = parseIndicators(spec)
  const own = await sourceOf(context, source, symbol)
  const columns = own.shape.fields.map((field) => field.name)
  if (!columns.includes('open_time') || !columns.includes('close'))
    throw new LakehouseError('INDICATOR_INVALID', `${source} has no bars: indicators are computed over open_time and prices`, {
      details: { table: source },
    })
  const bars =
    benchmark === ''
      ? own.rows
      : `SELECT b.*, o.close AS benchmark FROM (${own.rows}) b LEFT JOIN (${(await sourceOf(context, source, benchmark)).rows}) o ON o.open_time = b.open_time`
  const all = benchmark === '' ? columns : [...columns, 'benchmark']
  await using held = await Relation.of(session, all, bars)
  await using values = await computeIndicators(session, inputRows(`FROM ${held}`, all, specs), specs)
  const given = specs.flatMap((one) => one.columns).map((column) => `v.${quoteName(column)}`)
  return await Relation.of(
    session,
    [...all, ...specs.flatMap((one) => one.columns)],
    `SELECT b.*, ${given.join(', ')} FROM ${held} b JOIN ${values} v ON v.symbol = b.symbol AND v.open_time = b.open_time ORDER BY b.open_time`,
  )
}
