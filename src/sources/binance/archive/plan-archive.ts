import type { Interval } from '../../../core/interval.ts'
import { MARKETS, type Market } from '../../../core/market.ts'
import type { TimeRange } from '../../../core/time.ts'
import type { ArchiveObject, ArchiveOrigin } from '../../origin/origin.ts'
import { type ArchiveFile, type ArchiveSeries, parseSymbol, printArchiveKey } from './archive-key.ts'
import { discoverIntervals, discoverSeries, discoverSymbols, symbolPatterns } from './discover.ts'
import { ARCHIVE_MATRIX, type ArchiveType } from './matrix.ts'
import { planSeries, type Uncovered } from './planner.ts'

export type ArchiveRequest = {
  readonly types: readonly ArchiveType[]
  /** Empty lists mean all that the archive has. */
  readonly markets: readonly Market[]
  readonly symbols: readonly string[]
  readonly intervals: readonly Interval[]
  readonly range: TimeRange | undefined
  readonly now: number
}

export type PlannedFile = {
  readonly file: ArchiveFile
  readonly object: ArchiveObject
  /** Whether a .CHECKSUM is listed beside it. */
  readonly hasChecksum: boolean
}

/** The files that cover what is asked of one series, and what nothing covers. */
export type PlannedSeries = {
  readonly series: ArchiveSeries
  readonly files: readonly PlannedFile[]
  readonly uncovered: readonly Uncovered[]
  /** Keys that follow no known grammar; nothing is done with them. */
  readonly unparsed: readonly string[]
}

/** Plans series after series, as they are discovered; one series is in memory at a time. */
export async function* planArchive(origin: ArchiveOrigin, request: ArchiveRequest): AsyncGenerator<PlannedSeries> {
  for await (const series of requestedSeries(origin, request)) yield await planOne(origin, series, request)
}

/** The plan of one series; days that its monthly files are known to lack are taken from daily ones. */
export async function planOne(
  origin: ArchiveOrigin,
  series: ArchiveSeries,
  request: Pick<ArchiveRequest, 'range' | 'now'>,
  monthlyLacks?: ReadonlySet<string>,
): Promise<PlannedSeries> {
  const discovered = await discoverSeries(origin, series, request.range, request.now)
  const plan = planSeries(series, discovered.available, { ...request, ...(monthlyLacks === undefined ? {} : { monthlyLacks }) })
  const files = plan.files.flatMap((file) => {
    const key = printArchiveKey(file)
    const object = discovered.objects.get(key)
    return object === undefined ? [] : [{ file, object, hasChecksum: discovered.checksums.has(key) }]
  })
  return { series, files, uncovered: plan.uncovered, unparsed: discovered.unparsed }
}

/** Every series that the request and the archive have in common, in the order of market, type, symbol, interval. */
async function* requestedSeries(origin: ArchiveOrigin, request: ArchiveRequest): AsyncGenerator<ArchiveSeries> {
  const markets = request.markets.length === 0 ? MARKETS : request.markets
  const filter = symbolPatterns(request.symbols)
  for (const entry of ARCHIVE_MATRIX) {
    const { market, type } = entry
    if (!markets.includes(market) || !request.types.includes(type)) continue
    const symbols = filter.exact?.map(parseSymbol) ?? (await discoverSymbols(origin, market, type)).symbols.filter(filter.matches)
    for (const symbol of symbols) {
      for (const interval of await seriesIntervals(origin, market, type, symbol, request.intervals))
        yield { market, type, symbol, interval }
    }
  }
}

async function seriesIntervals(
  origin: ArchiveOrigin,
  market: Market,
  type: ArchiveType,
  symbol: string,
  wanted: readonly Interval[],
): Promise<readonly (Interval | undefined)[]> {
  const found = await discoverIntervals(origin, market, type, symbol)
  if (wanted.length === 0) return found
  // What is asked for by name is planned even if the listing lacks it: recent files are then asked for one by one.
  return wanted.filter((interval) => found.includes(interval) || origin.listingMayLag)
}
