import { INTERVAL_IDS, type Interval } from '../../core/interval.ts'
import { nextMonth, parseInstant, type TimeRange, US_PER_DAY } from '../../core/time.ts'
import type { DatasetId } from '../../datasets/registry.ts'
import { compareKeys } from '../../storage/object-store.ts'
import type { ArchiveFile, ArchiveSeries, Period, Source } from '../contract.ts'
import type { ArchiveObject, ArchiveOrigin } from '../origin/origin.ts'
import { dateOf } from './file-range.ts'
import type { Availability } from './plan-series.ts'

/** What the archive has of one series: its data files by key, and keys that do not follow the grammar. */
type Discovered = {
  readonly available: Availability
  readonly objects: ReadonlyMap<string, ArchiveObject>
  /** Keys with a checksum file in the listing. */
  readonly checksums: ReadonlySet<string>
  readonly unparsed: readonly string[]
}

/** An exchange and the origin of its archive. */
export type OpenArchive = { readonly source: Source; readonly origin: ArchiveOrigin }

/** The periods for which the archive publishes a type of a market. */
function periodsOf({ offers }: Source, market: string, dataset: DatasetId): Partial<Record<Period, readonly Interval[]>> {
  return offers.find((offer) => offer.market === market && offer.dataset === dataset)?.archive.periods ?? {}
}

/** The listed symbols of one type and market, in byte order, and folder names that are not symbols. */
export async function discoverSymbols(
  { source, origin }: OpenArchive,
  market: string,
  dataset: DatasetId,
): Promise<{ symbols: readonly string[]; unparsed: readonly string[] }> {
  const symbols = new Set<string>()
  const unparsed: string[] = []
  for (const period of Object.keys(periodsOf(source, market, dataset)) as Period[]) {
    const prefix = source.archive.typePrefix(market, period, dataset)
    for (const name of await origin.folders(prefix)) {
      if (source.symbols.accepts(name)) symbols.add(name)
      else unparsed.push(`${prefix}${name}/`)
    }
  }
  return { symbols: [...symbols].sort(compareKeys), unparsed }
}

/** The intervals that the archive has of a symbol, shortest first; `[undefined]` for a type without intervals. */
export async function discoverIntervals(
  { source, origin }: OpenArchive,
  market: string,
  dataset: DatasetId,
  symbol: string,
): Promise<readonly (Interval | undefined)[]> {
  const found = new Set<Interval>()
  for (const [period, intervals] of Object.entries(periodsOf(source, market, dataset))) {
    if (intervals.length === 0) return [undefined]
    const folders = await origin.folders(`${source.archive.typePrefix(market, period as Period, dataset)}${symbol}/`)
    for (const interval of intervals) if (folders.includes(interval)) found.add(interval)
  }
  return INTERVAL_IDS.filter((interval) => found.has(interval))
}

/** Lists a series. If the listing may lag, it also requests the newest dates one by one. */
export async function discoverSeries(
  archive: OpenArchive,
  series: ArchiveSeries,
  range: TimeRange | undefined,
  now: number,
): Promise<Discovered> {
  const { source, origin } = archive
  const objects = new Map<string, ArchiveObject>()
  const checksums = new Set<string>()
  const unparsed: string[] = []
  const dates = { daily: new Set<string>(), monthly: new Set<string>() }
  for (const period of Object.keys(periodsOf(source, series.market, series.dataset)) as Period[]) {
    for await (const object of origin.list(source.archive.seriesPrefix(series, period))) {
      const checked = source.archive.checksumOf(object.key)
      if (checked !== undefined) checksums.add(checked)
      else note(object)
    }
    if (origin.listingMayLag) for await (const object of probe(archive, series, period, dates[period], range, now)) note(object)
  }
  function note(object: ArchiveObject): void {
    const file = parsed(source, object.key)
    if (file === undefined) unparsed.push(object.key)
    else {
      objects.set(object.key, object)
      dates[file.period].add(file.date)
    }
  }
  return { available: dates, objects, checksums, unparsed }
}

function parsed({ archive }: Source, key: string): ArchiveFile | undefined {
  try {
    return archive.parseKey(key)
  } catch {
    return undefined
  }
}

/** After this many absent dates in a row, the probe assumes that the series has ended. */
const PROBE_PATIENCE = { daily: 7, monthly: 2 } as const

/** A listing may end long before the newest file, so dates after its last one are requested by name. */
async function* probe(
  { source, origin }: OpenArchive,
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
    const date = dateOf(at, period)
    if (listed.has(date)) continue
    const object = await origin.head(source.archive.fileKey({ ...series, period, date }))
    absent = object === undefined ? absent + 1 : 0
    if (object !== undefined) yield object
  }
}
