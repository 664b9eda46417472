import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { DEFAULT_SOURCE, MARKET_IDS } from '../sources/registry.ts'
import type { SyncOptions } from '../transfer/options.ts'
import { OPERATION_MODES } from '../transfer/run/route.ts'
import { SYNC_MODES } from '../transfer/sync-mode.ts'

const whole = (least: number, most: number) => z.number().int().min(least).max(most)

/** An option that allows one value only, because nothing else is supported; `reason` says why. */
function only<const V extends string | boolean>(value: V, reason: string) {
  return z
    .unknown()
    .optional()
    .superRefine((found, context) => {
      if (found !== undefined && found !== value)
        context.addIssue({ code: 'custom', message: `must be ${JSON.stringify(value)} or be removed: ${reason}` })
    })
}

/** Arguments for s5cmd in older files: arguments that the engine sets itself are accepted, others are refused. */
const s5cmdArguments = z.array(z.string()).superRefine((args, context) => {
  for (const arg of args)
    if (!/^--(no-sign-request|retry-count=\d+|numworkers=\d+)$/.test(arg))
      context.addIssue({
        code: 'custom',
        message: `"${arg}" is not supported: remove it, because the program sets the arguments of s5cmd itself`,
      })
})

const performance = z.strictObject({
  max_concurrent: whole(1, 256).optional().describe('How many objects are transferred at once (default: max_parallel_downloads, else 10)'),
  batch_size: whole(1, 500).default(100).describe('How many objects one batch of s5cmd has'),
  retry_count: whole(0, 19).default(3).describe('Repetitions of one request'),
  part_size_mb: whole(5, 5120).default(50).describe('Size of the parts in which large objects are copied'),
  enable_multipart: only(true, 'large objects can only be written in parts'),
  enable_multipart_threshold_mb: whole(5, 5120).default(50).describe('Objects larger than this are copied in parts'),
})

const directSync = z.strictObject({
  enable_s3_direct_sync: z.boolean().default(true).describe('If false, every object is downloaded and uploaded'),
  operation_mode: z.enum(OPERATION_MODES).default('auto').describe('Which ways of copying are allowed'),
  destination_bucket: z.string().min(1).describe('Destination bucket'),
  destination_prefix: z.string().default('').describe('Prefix of the keys in the destination bucket'),
  sync_mode: z.enum(SYNC_MODES).default('copy').describe('`sync` also deletes objects that only the destination has'),
  enable_incremental: z.boolean().default(true).describe('Skips objects that the destination already has'),
  organize_by_prefix: only(true, 'keys keep the paths of the archive, so that a copy can be compared with the archive'),
  performance_optimization: performance.prefault({}),
  s3_config: z
    .strictObject({
      region: z.string().min(1).default('us-east-1').describe('Region of the destination'),
      endpoint_url: z.string().nullable().default(null).describe('Endpoint of the store, if it is not Amazon S3'),
      storage_class: z.string().default('STANDARD').describe('Storage class of new objects'),
      use_accelerated_endpoint: only(false, 'an accelerated endpoint cannot copy between regions'),
    })
    .prefault({}),
})

const dateRange = z.strictObject({ start: z.string(), end: z.string() })

/** The collection of an archive as the specification writes it. Keys of older files are read; unsupported values are refused with the reason. */
export const archiveCollection = z
  .strictObject({
    workflow_type: z.string().min(1).describe('Name of the workflow (not used)'),
    matrix_path: z.string().min(1).optional().describe('Not used: the matrix of the archive is built in'),
    output_directory: z.string().min(1).optional().describe('Directory for files between download and upload (default: below sync.state)'),
    base_output_dir: z.string().min(1).optional().describe('Same as output_directory'),
    source_url: z
      .string()
      .min(1)
      .default(DEFAULT_SOURCE.id)
      .describe('Source of the archive: the public archive, or a bucket with the same keys'),
    markets: z
      .array(z.string())
      .min(1)
      .default(Object.keys(DEFAULT_SOURCE.markets))
      .describe(`Markets: ${MARKET_IDS.join(', ')} (default: all)`),
    symbols: z.array(z.string()).min(1).default(['*']).describe('Symbols, * and ? allowed (default: all)'),
    data_types: z.array(z.string()).min(1).default(['all']).describe('Data types of the archive (default: all)'),
    intervals: z
      .union([z.array(z.string()), z.record(z.string(), z.array(z.string()))])
      .default([])
      .describe('Intervals, or a list of intervals for each data type'),
    date_range: dateRange.optional().describe('First and last day, both included'),
    partition_type: z.enum(['daily', 'monthly']).optional().describe('Copies only daily or only monthly files'),
    batch_size: whole(1, 500).optional().describe('Same as performance_optimization.batch_size'),
    max_parallel_downloads: whole(1, 32).optional().describe('How many objects are transferred at once, if max_concurrent is not set'),
    enable_batch_mode: only(true, 'objects are always copied in batches'),
    enable_resume: only(true, 'a run always continues where the last run stopped'),
    download_checksum: z.boolean().default(true).describe('Copies the checksum files, and checks the copies against them'),
    timeout_seconds: whole(1, 3600).default(300).describe('Seconds without a byte until a connection is closed'),
    force_redownload: z.boolean().default(false).describe('Also copies objects that the destination already has'),
    part_size_mb: whole(5, 5120).optional().describe('Same as performance_optimization.part_size_mb'),
    s5cmd_extra_args: s5cmdArguments.optional().describe('Arguments for s5cmd in older files'),
    s3_direct_sync: directSync,
    quality_control: z
      .strictObject({
        enable_checksum_validation: z.boolean().default(true).describe('Checks copies by their digests'),
        enable_size_verification: only(true, 'the size of every copy is always checked'),
        max_retry_attempts: whole(0, 19).default(3).describe('Repetitions of one request'),
        timeout_seconds: whole(1, 3600).default(300).describe('Same as timeout_seconds'),
      })
      .optional(),
    monitoring: z
      .strictObject({
        enable_performance_tracking: only(true, 'every run measures its performance'),
        enable_cost_tracking: only(true, 'every run reports its cost'),
        enable_detailed_logging: z.boolean().default(false).describe('Reports retries'),
        metrics_collection_interval: whole(1, 3600).default(60).describe('Not used: progress is reported as it happens'),
        log_level: z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']).default('INFO').describe('DEBUG reports retries'),
      })
      .optional(),
    dry_run: z.boolean().default(false).describe('Shows what would be done, and does nothing'),
    verbose: z.boolean().default(false).describe('Reports retries'),
  })
  .superRefine((found, context) => {
    const { s3_direct_sync: direct, force_redownload: force } = found
    if (direct.operation_mode === 'direct_sync' && !direct.enable_s3_direct_sync)
      context.addIssue({
        code: 'custom',
        path: ['s3_direct_sync', 'operation_mode'],
        message: 'direct_sync contradicts enable_s3_direct_sync: false; change one of the two',
      })
    if (force && direct.enable_incremental && direct.sync_mode === 'sync')
      context.addIssue({
        code: 'custom',
        path: ['force_redownload'],
        message: 'force_redownload contradicts enable_incremental with sync_mode: sync; set one of the two to false',
      })
    if (found.base_output_dir !== undefined && found.output_directory !== undefined && found.base_output_dir !== found.output_directory)
      context.addIssue({
        code: 'custom',
        path: ['base_output_dir'],
        message: 'differs from output_directory: set only one of the two',
      })
    if (found.date_range !== undefined && found.date_range.start > found.date_range.end)
      context.addIssue({ code: 'custom', path: ['date_range'], message: 'the end is before the start: swap the two dates' })
  })

export type ArchiveCollection = z.infer<typeof archiveCollection>

/** The settings of the transfer that a collection describes. */
export function collectionOptions(collection: ArchiveCollection, base: SyncOptions): SyncOptions {
  const { s3_direct_sync: direct, quality_control: quality } = collection
  const { performance_optimization: tuned, s3_config: s3 } = direct
  const seconds = quality?.timeout_seconds ?? collection.timeout_seconds
  return {
    ...base,
    source: collection.source_url,
    downloads: collection.output_directory ?? collection.base_output_dir ?? base.downloads,
    destination: destinationOf(collection),
    concurrency: tuned.max_concurrent ?? collection.max_parallel_downloads ?? 10,
    batching: 'count_based',
    batchSize: collection.batch_size ?? tuned.batch_size,
    partSizeMb: collection.part_size_mb ?? tuned.part_size_mb,
    multipartThresholdMb: tuned.enable_multipart_threshold_mb,
    attempts: 1 + (quality?.max_retry_attempts ?? tuned.retry_count),
    idleTimeoutMs: seconds * 1000,
    storageClass: s3.storage_class === 'STANDARD' ? '' : s3.storage_class,
    verify: quality?.enable_checksum_validation === false ? 'size' : collection.download_checksum ? 'sha256' : 'etag',
  }
}

function destinationOf({ s3_direct_sync: direct }: ArchiveCollection): string {
  const { region, endpoint_url: endpoint } = direct.s3_config
  return `s3://${direct.destination_bucket}/${direct.destination_prefix}?region=${region}${endpoint === null ? '' : `&endpoint=${endpoint}`}`
}

/** The intervals of all data types of a collection. Throws CONFIG_INVALID for a data type that the collection does not have. */
export function collectionIntervals({ intervals, data_types: types }: ArchiveCollection): string[] {
  if (Array.isArray(intervals)) return intervals
  for (const type of Object.keys(intervals))
    if (!types.includes(type) && !types.includes('all'))
      throw new LakehouseError(
        'CONFIG_INVALID',
        `archive_collection.intervals has the data type ${type}, but data_types does not: add it there or remove it here`,
      )
  return [...new Set(Object.values(intervals).flat())]
}
