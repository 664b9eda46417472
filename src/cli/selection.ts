import { LakehouseError } from '../core/errors.ts'
import { type Interval, parseInterval } from '../core/interval.ts'
import { MARKETS, type Market } from '../core/market.ts'
import { parseInstant, type TimeRange, utc } from '../core/time.ts'
import { quote } from '../platform/duckdb/session.ts'
import { ARCHIVE_TYPES, type ArchiveType, findArchiveType } from '../sources/binance/archive/matrix.ts'
import { list, type OptionSpec, text, type Values } from './command.ts'

/** Options that choose a part of the archive. */
export const SELECTION_OPTIONS = {
  archive: { type: 'string', value: 'URL|DIR', help: 'where the archive is read (default: the public site)' },
  market: { type: 'string', value: 'M,…', help: `markets: ${MARKETS.join(', ')}` },
  symbols: { type: 'string', value: 'GLOB,…', help: 'symbols, * and ? allowed' },
  interval: { type: 'string', value: 'I,…', help: 'intervals of bars: 1m, 1h, 1d …' },
  from: { type: 'string', value: 'D', help: 'first instant, UTC: YYYY-MM-DD or ISO 8601' },
  to: { type: 'string', value: 'D', help: 'the instant after the last, UTC' },
} as const satisfies Record<string, OptionSpec>

export type Selection = {
  readonly markets: Market[]
  readonly symbols: string[]
  readonly intervals: Interval[]
  readonly range: TimeRange | undefined
}

/** What the options choose; empty lists and an undefined range mean everything. Throws USAGE. */
export function parseSelection(values: Values, nowMs: number): Selection {
  return {
    markets: unique(list(values, 'market').map(parseMarket)),
    symbols: unique(list(values, 'symbols')),
    intervals: unique(list(values, 'interval').map(parseInterval)),
    range: parseRange(values, nowMs),
  }
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)]
}

/** SQL that is true for the symbols that the option chooses; true where it chooses none. */
export function symbolsSql(values: Values): string {
  const globs = list(values, 'symbols').map((glob) => `symbol GLOB ${quote(glob)}`)
  return globs.length === 0 ? 'true' : `(${globs.join(' OR ')})`
}

/** The type that the text names, or all of them for `all`. Throws USAGE. */
export function parseTypes(name: string): ArchiveType[] {
  if (name === 'all') return [...ARCHIVE_TYPES]
  const type = findArchiveType(name)
  if (type === undefined)
    throw new LakehouseError('USAGE', `unknown data type "${name}": all, or one of ${ARCHIVE_TYPES.join(' ')}`, { details: { type: name } })
  return [type]
}

/** A market by its name. Throws USAGE. */
export function parseMarket(name: string): Market {
  const market = MARKETS.find((id) => id === name)
  if (market === undefined)
    throw new LakehouseError('USAGE', `unknown market "${name}": one of ${MARKETS.join(' ')}`, { details: { market: name } })
  return market
}

function parseRange(values: Values, nowMs: number): TimeRange | undefined {
  const from = text(values, 'from')
  const to = text(values, 'to')
  if (from === undefined && to === undefined) return undefined
  const range = { start: from === undefined ? utc(2017) : instant('from', from), end: to === undefined ? nowMs * 1000 : instant('to', to) }
  if (range.start >= range.end) throw new LakehouseError('USAGE', `--from ${from ?? ''} does not lie before --to ${to ?? 'now'}`)
  return range
}

function instant(option: string, value: string): number {
  const parsed = parseInstant(value)
  if (parsed === undefined)
    throw new LakehouseError('USAGE', `--${option} "${value}" is no date: YYYY-MM-DD or ISO 8601`, { details: { option, value } })
  return parsed
}
