import { RESULT_FORMATS } from '../query/run-query.ts'
import { DEFAULT_SOURCE, EXCHANGE_IDS, MARKET_IDS } from '../sources/registry.ts'
import { type CommandContext, list, type OptionSpec, text, type Values } from './command.ts'

/** Options that choose a part of the archive. */
export const SELECTION_OPTIONS = {
  archive: { type: 'string', value: 'URL|DIR', help: 'where the archive is read (default: the public site)' },
  exchange: { type: 'string', value: 'NAME', help: `${EXCHANGE_IDS.join(', ')} (default: ${DEFAULT_SOURCE.id})` },
  market: { type: 'string', value: 'M,…', help: `markets: ${MARKET_IDS.join(', ')}` },
  symbols: { type: 'string', value: 'GLOB,…', help: 'symbols, * and ? allowed' },
  interval: { type: 'string', value: 'I,…', help: 'intervals of bars: 1m, 1h, 1d …' },
  from: { type: 'string', value: 'D', help: 'first instant, UTC: YYYY-MM-DD or ISO 8601' },
  to: { type: 'string', value: 'D', help: 'the instant after the last, UTC' },
} as const satisfies Record<string, OptionSpec>

const { archive: _archive, ...SELECTION } = SELECTION_OPTIONS

/** Options that choose what of a source is looked at. */
export const FILTER_OPTIONS = {
  type: { type: 'string', value: 'T,…', help: 'data types of the archive: klines, aggTrades …' },
  ...SELECTION,
  include: { type: 'string', value: 'GLOB,…', help: 'keys to take (* within a segment or over several)' },
  exclude: { type: 'string', value: 'GLOB,…', help: 'keys to leave' },
} as const satisfies Record<string, OptionSpec>

/** Options of commands that make rows. */
export const ROWS_OPTIONS = {
  format: { type: 'string', value: 'F', help: 'how rows are written (default: table)', choices: RESULT_FORMATS },
  output: { type: 'string', value: 'FILE', help: 'where they are written' },
} as const satisfies Record<string, OptionSpec>

/** What the options of a range say. */
export function range(values: Values) {
  return { from: text(values, 'from'), to: text(values, 'to') }
}

/** What the options of a selection say, as fields of an operation. */
export function selection(values: Values) {
  return {
    exchange: text(values, 'exchange'),
    markets: list(values, 'market'),
    symbols: list(values, 'symbols'),
    intervals: list(values, 'interval'),
    ...range(values),
  }
}

/** What the options of a filter say. */
export function filter(values: Values) {
  return { types: list(values, 'type'), ...selection(values), include: list(values, 'include'), exclude: list(values, 'exclude') }
}

/** How rows are asked for: as items for --json, else written in a format. */
export function rows({ values, json }: CommandContext) {
  if (json) return {}
  const format = RESULT_FORMATS.find((one) => one === text(values, 'format')) ?? 'table'
  return { format, output: text(values, 'output') }
}
