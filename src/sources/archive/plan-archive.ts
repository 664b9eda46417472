import { LakehouseError } from '../../core/errors.ts'
import type { Interval } from '../../core/interval.ts'
import { namePatterns } from '../../core/patterns.ts'
import type { DatasetId } from '../../datasets/registry.ts'
import type { ArchiveFile, ArchiveSelection, ArchiveSeries, SymbolGrammar } from '../contract.ts'
import { objectKey } from '../objects.ts'
import type { ArchiveObject } from '../origin/origin.ts'
import { discoverIntervals, discoverSeries, discoverSymbols, type OpenArchive } from './discover.ts'
import { planSeries, type Uncovered } from './plan-series.ts'

export type ArchiveRequest = ArchiveSelection & { readonly now: number }

export type PlannedFile = {
  readonly file: ArchiveFile
  /** The key of the file in the lake. */
  readonly key: string
  readonly object: ArchiveObject
  /** Whether a checksum file is listed beside it. */
  readonly hasChecksum: boolean
}

/** The files that cover the request for one series, and the parts without files. */
export type PlannedSeries = {
  readonly series: ArchiveSeries
  readonly files: readonly PlannedFile[]
  readonly uncovered: readonly Uncovered[]
  /** Keys that do not follow the grammar; they are left out. */
  readonly unparsed: readonly string[]
}

/** Plans one series after the other as they are discovered. One series is in memory at a time. */
export async function* planArchive(archive: OpenArchive, request: ArchiveRequest): AsyncGenerator<PlannedSeries> {
  for await (const series of requestedSeries(archive, request)) yield await planOne(archive, series, request)
}

/** The plan of one series. Days that are known to be missing in monthly files are taken from daily files. */
export async function planOne(
  archive: OpenArchive,
  series: ArchiveSeries,
  request: Pick<ArchiveRequest, 'range' | 'now'>,
  monthlyLacks?: ReadonlySet<string>,
): Promise<PlannedSeries> {
  const discovered = await discoverSeries(archive, series, request.range, request.now)
  const plan = planSeries(series, discovered.available, { ...request, ...(monthlyLacks === undefined ? {} : { monthlyLacks }) })
  const files = plan.files.flatMap((file) => {
    const key = archive.source.archive.fileKey(file)
    const object = discovered.objects.get(key)
    return object === undefined ? [] : [{ file, key: objectKey(archive.source, key), object, hasChecksum: discovered.checksums.has(key) }]
  })
  return { series, files, uncovered: plan.uncovered, unparsed: discovered.unparsed }
}

/** Every requested series that the archive has, sorted by market, type, symbol and interval. */
async function* requestedSeries(archive: OpenArchive, request: ArchiveRequest): AsyncGenerator<ArchiveSeries> {
  const { id: exchange, offers, symbols: grammar } = archive.source
  const filter = namePatterns(request.symbols)
  for (const { market, dataset } of offers) {
    if (request.markets.length > 0 && !request.markets.includes(market)) continue
    if (!request.types.includes(dataset)) continue
    const symbols =
      filter.exact?.map((symbol) => requireSymbol(grammar, symbol)) ??
      (await discoverSymbols(archive, market, dataset)).symbols.filter(filter.matches)
    for (const symbol of symbols) {
      for (const interval of await seriesIntervals(archive, market, dataset, symbol, request.intervals))
        yield { exchange, market, dataset, symbol, interval }
    }
  }
}

async function seriesIntervals(
  archive: OpenArchive,
  market: string,
  dataset: DatasetId,
  symbol: string,
  wanted: readonly Interval[],
): Promise<readonly (Interval | undefined)[]> {
  const found = await discoverIntervals(archive, market, dataset, symbol)
  if (wanted.length === 0) return found
  // A named interval is planned even if the listing lacks it, because recent files are then requested one by one.
  return wanted.filter((interval) => found.includes(interval) || archive.origin.listingMayLag)
}

/** Throws ARCHIVE_KEY_INVALID for a text that cannot be a symbol. */
function requireSymbol(grammar: SymbolGrammar, text: string): string {
  if (grammar.accepts(text)) return text
  throw new LakehouseError('ARCHIVE_KEY_INVALID', `"${text}" is not a valid symbol: see \`catalog symbols\``, { details: { symbol: text } })
}
