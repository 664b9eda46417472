import { RESULT_FORMATS } from '../query/run-query.ts'
import { DEFAULT_SOURCE, EXCHANGE_IDS, MARKET_IDS } from '../sources/registry.ts'
import { type CommandContext, list, type OptionSpec, text, type Values } from './command.ts'

/** Options that select a part of the archive. */
export const SELECTION_OPTIONS = {
  archive: { type: 'string', value: 'URL|DIR', help: 'address of the archive (default: the public site)' },
  exchange: { type: 'string', value: 'NAME', help: `${EXCHANGE_IDS.join(', ')} (default: ${DEFAULT_SOURCE.id})` },
  market: { type: 'string', value: 'M,…', help: `markets: ${MARKET_IDS.join(', ')}` },
  symbols: { type: 'string', value: 'GLOB,…', help: 'symbols; * and ? are wildcards' },
  interval: { type: 'string', value: 'I,…', help: 'bar intervals: 1m, 1h, 1d …' },
  from: { type: 'string', value: 'D', help: 'start of the range, UTC: YYYY-MM-DD or ISO 8601' },
  to: { type: 'string', value: 'D', help: 'end of the range, UTC, not included' },
} as const satisfies Record<string, OptionSpec>

const { archive: _archive, ...SELECTION } = SELECTION_OPTIONS

/** Options that select objects of a source. */
export const FILTER_OPTIONS = {
  type: { type: 'string', value: 'T,…', help: 'data types of the archive: klines, aggTrades …' },
  ...SELECTION,
  include: { type: 'string', value: 'GLOB,…', help: 'keys to include (* matches within or across segments)' },
  exclude: { type: 'string', value: 'GLOB,…', help: 'keys to exclude' },
} as const satisfies Record<string, OptionSpec>

/** Options of commands that return rows. */
export const ROWS_OPTIONS = {
  format: { type: 'string', value: 'F', help: 'output format (default: table)', choices: RESULT_FORMATS },
  output: { type: 'string', value: 'FILE', help: 'file to write the rows to' },
} as const satisfies Record<string, OptionSpec>

/** The range that the options name. */
export function range(values: Values) {
  return { from: text(values, 'from'), to: text(values, 'to') }
}

/** The selection that the options name, as input fields of an operation. */
export function selection(values: Values) {
  return {
    exchange: text(values, 'exchange'),
    markets: list(values, 'market'),
    symbols: list(values, 'symbols'),
    intervals: list(values, 'interval'),
    ...range(values),
  }
}

/** The filter that the options name. */
export function filter(values: Values) {
  return { types: list(values, 'type'), ...selection(values), include: list(values, 'include'), exclude: list(values, 'exclude') }
}

/** How an operation returns rows: as items for --json without a file, else written in a format. */
export function rows({ values, json }: CommandContext) {
  const output = text(values, 'output')
  if (json && output === undefined) return {}
  const format = RESULT_FORMATS.find((one) => one === text(values, 'format')) ?? 'table'
  return { format, output }
}
