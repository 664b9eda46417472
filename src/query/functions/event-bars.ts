import { LakehouseError } from '../../core/errors.ts'
import { parseAmountRule } from '../../gold/bars/bar-rule.ts'
import { eventBars } from '../../gold/bars/event-bars.ts'
import { tradedRows } from '../../gold/bars/traded-rows.ts'
import type { Relation } from '../../platform/duckdb/relation.ts'
import { exampleTable } from '../../sources/series.ts'
import { rangeOf, sourceOf } from './source-rows.ts'
import type { Arguments, FunctionContext, TableFunction } from './table-function.ts'

export const eventBarsFunction = {
  name: 'event_bars',
  parameters: { source: undefined, symbols: undefined, size: undefined, from: '', to: '' },
  example: `event_bars('${exampleTable('trades')}', 'BTCUSDT', 'volume:100' [, from, to])`,
  make,
} as const satisfies TableFunction

async function make(
  context: FunctionContext,
  { source = '', symbols = '', size = '', from = '', to = '' }: Arguments,
): Promise<Relation<string>> {
  const { rows } = await sourceOf(context, source, symbols, rangeOf(from, to))
  const [traded, rule] = [tradedRows(source), parseAmountRule(size)]
  if (rule.by === 'quote' && !traded.hasQuoteValue)
    throw new LakehouseError('USAGE', `rows of ${source} do not say what they are worth: count or volume`, { details: { source } })
  return await eventBars(context.session, traded, rows, rule)
}
