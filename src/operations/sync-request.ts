import * as z from 'zod'
import { type ArchiveCollection, collectionIntervals, collectionOptions } from '../config/archive-collection.ts'
import type { Config } from '../config/schema.ts'
import { LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import { parseInstant, type TimeRange, US_PER_DAY } from '../core/time.ts'
import type { TransferOptions, Transfers } from '../lakehouse/transfers.ts'
import { archiveMatcher, archivePrefixes } from '../sources/archive/archive-filter.ts'
import { DEFAULT_SOURCE, findMarket } from '../sources/registry.ts'
import { ENGINE_IDS } from '../transfer/engines/engine.ts'
import { OPERATION_MODES } from '../transfer/run/route.ts'
import { DEFAULT_REQUEST, type SyncRequest } from '../transfer/sync.ts'
import { SYNC_MODES } from '../transfer/sync-mode.ts'
import { VERIFY_MODES } from '../transfer/verify-mode.ts'
import type { OperationContext } from './contract.ts'
import { filterFields, resolveFilter } from './key-filter.ts'
import { place } from './schemas.ts'
import { resolveTypes } from './selection.ts'

const count = (least: number) => z.number().int().min(least).optional()

/** What a transfer copies, from where to where, and how. Without source and destination, it copies the `archive_collection` of the configuration, if there is one. */
export const syncFields = {
  source: place('read', 'an exchange or a store; default: sync.source').optional(),
  destination: place('write', 'a store; default: sync.destination').optional(),
  mode: z.enum(OPERATION_MODES).default('auto').describe('allowed ways to copy'),
  engine: z.enum(ENGINE_IDS).optional().describe('engine to try first'),
  syncMode: z.enum(SYNC_MODES).default('copy').describe('sync also deletes objects that only the destination has'),
  minShare: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('if the source lists less than this share of the destination, delete none; default: sync.minShare'),
  maxDelete: count(0).describe('if more objects would be deleted, delete none; default: sync.maxDelete'),
  ...filterFields,
  all: z.boolean().default(false).describe('also copy objects that are already there'),
  verify: z.enum(VERIFY_MODES).optional().describe('how to prove copies; default: sync.verify'),
  concurrency: count(1).describe('number of objects copied at the same time; default: sync.concurrency'),
  bytesPerSecond: count(1).describe('maximum bytes per second through this machine'),
  requestsPerSecond: count(1).describe('maximum number of objects started per second'),
  maxDurationMs: count(0).describe('start no object after this time'),
  maxBytes: count(0).describe('start no object after this many bytes'),
  planOut: place('write', 'a file to write the plan to').optional(),
  planIn: place('read', 'a saved plan to execute').optional(),
}

type SyncInput = z.output<z.ZodObject<typeof syncFields>>

export type ResolvedSync = { readonly transfers: Transfers; readonly request: SyncRequest; readonly options: TransferOptions }

/** Prepares a transfer. Throws USAGE, and CONFIG_INVALID when the collection holds a value that is not known. */
export async function resolveSync(context: OperationContext, input: SyncInput): Promise<ResolvedSync> {
  const isNamed = input.source !== undefined || input.destination !== undefined
  const collection = isNamed ? undefined : context.loaded().config.archive_collection
  const transfers = await context.transfers(withOptions(input, collection))
  const { sync } = transfers.config
  const [source, destination] = collection === undefined ? [input.source, input.destination] : []
  const options = {
    source: source ?? sync.source,
    destination: destination ?? sync.destination,
    exchange: input.exchange,
    bytesPerSecond: input.bytesPerSecond,
    requestsPerSecond: input.requestsPerSecond,
    drain: context.drain,
    onProgress: context.onTransfer,
    onNotice: context.notice,
  }
  if (options.destination === '') throw new LakehouseError('USAGE', 'the transfer has no destination: name one, or set sync.destination')
  return { transfers, options, request: collection === undefined ? requestOf(input, context, sync) : collectionRequest(collection, sync) }
}

function withOptions({ concurrency, verify }: SyncInput, collection: ArchiveCollection | undefined): (config: Config) => Config {
  return (config) => {
    const sync = collection === undefined ? config.sync : collectionOptions(collection, config.sync)
    return { ...config, sync: { ...sync, concurrency: concurrency ?? sync.concurrency, verify: verify ?? sync.verify } }
  }
}

function requestOf(input: SyncInput, context: OperationContext, sync: Config['sync']): SyncRequest {
  const { syncMode, mode, engine, planIn, planOut, maxDurationMs, maxBytes } = input
  if (planIn !== undefined && planOut !== undefined)
    throw new LakehouseError('USAGE', 'planIn and planOut exclude each other: remove one of them')
  return {
    ...{ syncMode, mode, engine, planIn, planOut, maxDurationMs, maxBytes },
    maxDelete: input.maxDelete ?? sync.maxDelete,
    minShare: input.minShare ?? sync.minShare,
    preferDirectSync: true,
    incremental: !input.all,
    ...resolveFilter(input, context.nowMs()),
    keys: undefined,
    listParallel: sync.listParallel,
  }
}

/** The transfer that a collection describes. */
function collectionRequest(collection: ArchiveCollection, base: Pick<SyncRequest, 'listParallel' | 'maxDelete' | 'minShare'>): SyncRequest {
  const { s3_direct_sync: direct, partition_type: period, download_checksum: checksums } = collection
  const source = DEFAULT_SOURCE
  const { checksumOf } = source.archive
  for (const market of collection.markets) findMarket(source, market)
  const filter = {
    types: resolveTypes(collection.data_types),
    markets: collection.markets,
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

/** The range of a collection. Its first and last day are both included. */
function dateRange({ date_range: range }: ArchiveCollection): TimeRange | undefined {
  if (range === undefined) return undefined
  const [start, end] = [parseInstant(range.start), parseInstant(range.end)]
  if (start === undefined || end === undefined)
    throw new LakehouseError(
      'CONFIG_INVALID',
      `archive_collection.date_range: "${range.start}" or "${range.end}" is not a date: write YYYY-MM-DD`,
    )
  return { start, end: end + US_PER_DAY }
}
