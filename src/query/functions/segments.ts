import { FUNDING, TRADED_BARS } from '../../datasets/registry.ts'
import { segmentsSql } from '../../gold/bars/segments.ts'
import { tradedRows } from '../../gold/bars/traded-rows.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import { tableKey } from '../../lake/layout.ts'
import { columnNames, exampleTable, silverTableName } from '../../sources/series.ts'
import { sourceOf } from './source-rows.ts'
import type { Arguments, FunctionContext, TableFunction } from './table-function.ts'

const EXAMPLE_BARS = exampleTable(TRADED_BARS, '1m')

export const segments = {
  name: 'segments',
  parameters: { source: undefined, symbols: undefined },
  example: `segments('${EXAMPLE_BARS}', 'BTC*')`,
  make,
} as const satisfies TableFunction

async function make(context: FunctionContext, { source = '', symbols = '' }: Arguments): Promise<string> {
  const traded = tradedRows(source)
  const rates = { ...traded.market, dataset: FUNDING, interval: undefined }
  const name = silverTableName(rates)
  const hasRates = (await loadTable(context.store, tableKey('silver', name))) !== undefined
  const { event_time: time, rate } = columnNames(rates, 'event_time', 'rate')
  const funding = hasRates ? { rows: (await sourceOf(context, `silver.${name}`, symbols)).rows, time, rate } : undefined
  return segmentsSql(traded, (await sourceOf(context, source, symbols)).rows, funding)
}
