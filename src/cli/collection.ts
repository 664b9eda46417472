import { type ArchiveCollection, collectionIntervals } from '../config/archive-collection.ts'
import { LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import { parseInstant, type TimeRange, US_PER_DAY } from '../core/time.ts'
import { archiveMatcher, archivePrefixes } from '../sources/archive/archive-filter.ts'
import { DEFAULT_SOURCE } from '../sources/registry.ts'
import { DEFAULT_REQUEST, type SyncRequest } from '../transfer/sync.ts'
import { parseMarket, parseTypes } from './selection.ts'

/** The transfer that a collection asks for. Throws CONFIG_INVALID and USAGE for values that name nothing. */
export function collectionRequest(collection: ArchiveCollection, base: Pick<SyncRequest, 'listParallel' | 'maxDelete'>): SyncRequest {
  const { s3_direct_sync: direct, partition_type: period, download_checksum: checksums } = collection
  const source = DEFAULT_SOURCE
  const { checksumOf } = source.archive
  const filter = {
    types: collection.data_types.flatMap(parseTypes),
    markets: collection.markets.map((name) => parseMarket(source, name)),
    symbols: collection.symbols,
    intervals: collectionIntervals(collection).map(parseInterval),
    range: dateRange(collection),
  }
  const belongs = archiveMatcher(source, filter)
  return {
    ...DEFAULT_REQUEST,
    ...base,
    mode: direct.enable_s3_direct_sync ? direct.operation_mode : 'traditional',
    syncMode: direct.sync_mode,
    incremental: direct.enable_incremental && !collection.force_redownload,
    prefixes: archivePrefixes(source, filter),
    includes: (key) =>
      belongs(key) && (checksums || checksumOf(key) === undefined) && (period === undefined || key.includes(`/${period}/`)),
  }
}

/** Days of the collection are both included. */
function dateRange({ date_range: range }: ArchiveCollection): TimeRange | undefined {
  if (range === undefined) return undefined
  const [start, end] = [parseInstant(range.start), parseInstant(range.end)]
  if (start === undefined || end === undefined)
    throw new LakehouseError('CONFIG_INVALID', `archive_collection.date_range: "${range.start}" or "${range.end}" is no date`)
  return { start, end: end + US_PER_DAY }
}
