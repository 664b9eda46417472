import { LakehouseError } from '../../core/errors.ts'
import { INTERVAL_IDS, INTERVALS } from '../../core/interval.ts'
import { US_PER_SECOND } from '../../core/time.ts'
import type { DatasetId } from '../../datasets/registry.ts'
import { AGGREGATIONS } from '../../gold/aggregations/registry.ts'
import { listTables } from '../../lake/tables/list-tables.ts'
import { DEFAULT_SOURCE, findSource } from '../../sources/registry.ts'
import { isBars, isOfSameMarket, seriesOf, silverTableName } from '../../sources/series.ts'
import { checkCut, rangeOf, sourceOf } from './source-rows.ts'
import type { Arguments, FunctionContext, TableFunction } from './table-function.ts'

export const aggregate = {
  name: 'aggregate',
  parameters: { id: undefined, market: undefined, symbols: '*', from: '', to: '', options: '', exchange: DEFAULT_SOURCE.id },
  example: "aggregate('order_flow', 'spot', 'BTC*' [, from, to, options := 'minutes=60'])",
  make,
} as const satisfies TableFunction

async function make(
  context: FunctionContext,
  { id = '', market = '', symbols = '', from = '', to = '', options = '', exchange = '' }: Arguments,
): Promise<string> {
  const aggregation = AGGREGATIONS.find((one) => one.id === id)
  const { markets } = findSource(exchange)
  if (aggregation === undefined || !Object.hasOwn(markets, market))
    throw new LakehouseError(
      'USAGE',
      `aggregate takes one of ${AGGREGATIONS.map((one) => one.id).join(', ')}, and a market: ${Object.keys(markets).join(', ')}`,
      {
        details: { id, market },
      },
    )
  const { interval, ...numbers } = Object.fromEntries(
    options
      .split(',')
      .filter((part) => part !== '')
      .map((part) => part.split('=').map((text) => text.trim())),
  )
  const given: Record<string, number> = { ...aggregation.options }
  for (const [name, value] of Object.entries(numbers)) {
    if (given[name] === undefined || !(Number.isSafeInteger(Number(value)) && Number(value) > 0))
      throw new LakehouseError(
        'USAGE',
        `${id} has the options interval${Object.keys(given)
          .map((one) => `, ${one}`)
          .join('')}, whole numbers above zero: not ${name}=${value}`,
        { details: { id } },
      )
    given[name] = Number(value)
  }
  const there = (await listTables(context.store, 'silver')).flatMap((name) => seriesOf(name) ?? [])
  const lacking = (dataset: string) =>
    new LakehouseError(
      'TABLE_NOT_FOUND',
      `${id} needs ${dataset} of ${market}${interval === undefined ? '' : ` of ${interval}`}, but the lake has no such table: ingest it first`,
      { details: { id, dataset } },
    )
  const of = { exchange, market }
  const intervalsOf = (dataset: DatasetId) =>
    there.filter((one) => one.dataset === dataset && isOfSameMarket(one, of)).map((one) => one.interval)
  const datasets = Object.values(aggregation.inputs)
  const cut = datasets.filter((dataset) => isBars({ dataset }))
  // Bars of several kinds stand side by side: they must be as long as each other.
  const common = INTERVAL_IDS.find(
    (one) => (interval === undefined || one === interval) && cut.every((dataset) => intervalsOf(dataset).includes(one)),
  )
  if (cut.length > 0 && common === undefined) throw lacking(cut.find((dataset) => intervalsOf(dataset).length === 0) ?? cut.join(', '))
  const minutes = aggregation.minutes ?? given['minutes']
  if (common !== undefined && minutes !== undefined) checkCut(`${id} of ${common}`, INTERVALS[common].us, [minutes * 60 * US_PER_SECOND])
  const rows: Record<string, string> = {}
  for (const [name, dataset] of Object.entries(aggregation.inputs)) {
    const series = there.find(
      (one) => one.dataset === dataset && isOfSameMarket(one, of) && (!cut.includes(dataset) || one.interval === common),
    )
    if (series === undefined) throw lacking(dataset)
    rows[name] = (await sourceOf(context, `silver.${silverTableName(series)}`, symbols, rangeOf(from, to))).rows
  }
  return aggregation.sql(rows, given, of)
}
