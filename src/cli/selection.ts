import { LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import { parseInstant, type TimeRange, utc } from '../core/time.ts'
import { DATASET_IDS, type DatasetId, findDataset } from '../datasets/registry.ts'
import { quote } from '../platform/duckdb/session.ts'
import type { ArchiveSelection, Source } from '../sources/contract.ts'
import { DEFAULT_SOURCE, EXCHANGE_IDS, findMarket, findSource, MARKET_IDS } from '../sources/registry.ts'
import { list, type OptionSpec, text, type Values } from './command.ts'

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

export type Selection = Omit<ArchiveSelection, 'types'>

/** What the options choose; empty lists and an undefined range mean everything. Throws USAGE. */
export function parseSelection(values: Values, nowMs: number): Selection {
  const source = parseExchange(values)
  return {
    exchange: source.id,
    markets: unique(list(values, 'market').map((name) => parseMarket(source, name))),
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
export function parseTypes(name: string): DatasetId[] {
  if (name === 'all') return [...DATASET_IDS]
  const type = findDataset(name)
  if (type === undefined)
    throw new LakehouseError('USAGE', `unknown data type "${name}": all, or one of ${DATASET_IDS.join(' ')}`, { details: { type: name } })
  return [type]
}

/** The exchange that is meant. Throws USAGE. */
export function parseExchange(values: Values): Source {
  return findSource(text(values, 'exchange') ?? DEFAULT_SOURCE.id)
}

/** A market of an exchange by its name. Throws USAGE. */
export function parseMarket(source: Source, name: string): string {
  findMarket(source, name)
  return name
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
