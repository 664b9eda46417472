import { asLakehouseError } from '../../../core/errors.ts'
import { INTERVAL_IDS, type Interval } from '../../../core/interval.ts'
import type { Market } from '../../../core/market.ts'
import { formatDay, formatMonth, nextMonth, parseInstant, type TimeRange, US_PER_DAY } from '../../../core/time.ts'
import type { ArchiveObject, ArchiveOrigin } from '../../origin/origin.ts'
import {
  type ArchiveFile,
  type ArchiveSeries,
  parseArchiveKey,
  parseSymbol,
  printArchiveKey,
  seriesPrefix,
  typePrefix,
} from './archive-key.ts'
import { type ArchiveType, findEntry, type Period } from './matrix.ts'
import type { Availability } from './planner.ts'

/** What the archive holds of one series: its data files by key, and keys that follow no known grammar. */
export type Discovered = {
  readonly available: Availability
  readonly objects: ReadonlyMap<string, ArchiveObject>
  /** Keys beside which a .CHECKSUM is listed. */
  readonly checksums: ReadonlySet<string>
  readonly unparsed: readonly string[]
}

export type SymbolFilter = (symbol: string) => boolean

/** A filter of symbols from patterns with `*` and `?`; exact names are returned too, so that they need no listing. */
export function symbolPatterns(patterns: readonly string[]): { matches: SymbolFilter; exact: readonly string[] | undefined } {
  const isExact = (pattern: string) => !/[*?]/.test(pattern)
  const expressions = patterns.map((pattern) => {
    const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u')
  })
  return {
    matches: (symbol) => expressions.length === 0 || expressions.some((expression) => expression.test(symbol)),
    exact: patterns.length > 0 && patterns.every(isExact) ? patterns : undefined,
  }
}

/** The symbols of one type in one market that the archive lists, in byte order, and folder names that are no symbols. */
export async function discoverSymbols(
  origin: ArchiveOrigin,
  market: Market,
  type: ArchiveType,
): Promise<{ symbols: readonly string[]; unparsed: readonly string[] }> {
  const periods = Object.keys(findEntry(market, type)?.periods ?? {}) as Period[]
  const symbols = new Set<string>()
  const unparsed: string[] = []
  for (const period of periods) {
    const prefix = typePrefix(market, period, type)
    for (const name of await origin.folders(prefix)) {
      try {
        symbols.add(parseSymbol(name))
      } catch (error) {
        unparsed.push(`${prefix}${name}/ (${asLakehouseError(error).code})`)
      }
    }
  }
  return { symbols: [...symbols].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), unparsed }
}

/** The intervals of a symbol that the archive has, shortest first; `[undefined]` for a type without intervals. */
export async function discoverIntervals(
  origin: ArchiveOrigin,
  market: Market,
  type: ArchiveType,
  symbol: string,
): Promise<readonly (Interval | undefined)[]> {
  const periods = findEntry(market, type)?.periods ?? {}
  const found = new Set<Interval>()
  for (const [period, intervals] of Object.entries(periods)) {
    if (intervals.length === 0) return [undefined]
    const folders = await origin.folders(`${typePrefix(market, period as Period, type)}${symbol}/`)
    for (const interval of intervals) if (folders.includes(interval)) found.add(interval)
  }
  return INTERVAL_IDS.filter((interval) => found.has(interval))
}

/** Lists a series and, where the listing may lag, asks for the newest dates one by one. */
export async function discoverSeries(
  origin: ArchiveOrigin,
  series: ArchiveSeries,
  range: TimeRange | undefined,
  now: number,
): Promise<Discovered> {
  const objects = new Map<string, ArchiveObject>()
  const checksums = new Set<string>()
  const unparsed: string[] = []
  const dates = { daily: new Set<string>(), monthly: new Set<string>() }
  for (const period of Object.keys(findEntry(series.market, series.type)?.periods ?? {}) as Period[]) {
    for await (const object of origin.list(seriesPrefix(series, period))) {
      if (object.key.endsWith(CHECKSUM)) checksums.add(object.key.slice(0, -CHECKSUM.length))
      else note(object)
    }
    if (origin.listingMayLag) for await (const object of probe(origin, series, period, dates[period], range, now)) note(object)
  }
  function note(object: ArchiveObject): void {
    const file = parsed(object.key)
    if (file === undefined) unparsed.push(object.key)
    else {
      objects.set(object.key, object)
      dates[file.period].add(file.date)
    }
  }
  return { available: dates, objects, checksums, unparsed }
}

const CHECKSUM = '.CHECKSUM'

function parsed(key: string): ArchiveFile | undefined {
  try {
    return parseArchiveKey(key)
  } catch {
    return undefined
  }
}

/** How many dates in a row must be absent before the probe takes the series for ended. */
const PROBE_PATIENCE = { daily: 7, monthly: 2 } as const

/** The public listing was seen to stop a year before the newest file: dates after its last one are asked for by name. */
async function* probe(
  origin: ArchiveOrigin,
  series: ArchiveSeries,
  period: Period,
  listed: ReadonlySet<string>,
  range: TimeRange | undefined,
  now: number,
): AsyncGenerator<ArchiveObject> {
  const last = [...listed].sort().at(-1)
  const afterLast = last === undefined ? undefined : parseInstant(last)
  const from = Math.max(afterLast ?? 0, range?.start ?? 0)
  if (from === 0) return
  const end = Math.min(range?.end ?? now, now)
  let absent = 0
  for (let at = from; at < end && absent < PROBE_PATIENCE[period]; at = period === 'daily' ? at + US_PER_DAY : nextMonth(at)) {
    const date = period === 'daily' ? formatDay(at) : formatMonth(at)
    if (listed.has(date)) continue
    const object = await origin.head(printArchiveKey({ ...series, period, date }))
    absent = object === undefined ? absent + 1 : 0
    if (object !== undefined) yield object
  }
}
