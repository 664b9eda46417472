import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { quietly, type TransferOptions, Transfers } from '../lakehouse/transfers.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { OperationMode } from '../transfer/run/route.ts'
import { DEFAULT_REQUEST, type SyncResult } from '../transfer/sync.ts'
import { type FileTask, isInBucket, type TaskResult, type Transfer } from './file-tasks.ts'
import { S3DirectSyncDownloader } from './s3-direct-sync-downloader.ts'
import { TraditionalBulkDownloader } from './traditional-bulk-downloader.ts'
import { type EfficiencyStats, efficiencyStats } from './transfer-stats.ts'

export type BulkOptions = {
  /** Address of the bucket to copy to, or undefined if none is configured. */
  readonly destination: string | undefined
  readonly operationMode: OperationMode
  readonly enableS3DirectSync: boolean
  /** Whether the program s5cmd can be run. */
  readonly s5cmdAvailable: boolean
  /** Where files lie during a traditional transfer. */
  readonly directory: string
  readonly transfer: Transfer
}

type DownloadOptions = Pick<TransferOptions, 'onNotice'> & { readonly directory: string }

/** The way that was chosen. Every condition that is `required` must be met for the direct way. */
export type ModeDecision = {
  readonly mode: 'direct_sync' | 'traditional'
  readonly conditions: readonly { readonly name: string; readonly met: boolean; readonly required: boolean }[]
}

/** Totals in the keys of the specification; `direct_sync_used` and `traditional_used` count the batches that went each way. */
export type BulkStats = EfficiencyStats & { readonly direct_sync_used: number; readonly traditional_used: number }

/** The least share of sources in buckets for the direct way. */
const LEAST_SHARE = 0.8

/** Chooses between the direct and the traditional way for many files, and keeps the statistics. */
export class EnhancedBulkDownloader {
  readonly #options: BulkOptions
  readonly #transfers: SyncResult[] = []
  readonly #used = { direct_sync: 0, traditional: 0 }

  constructor(options: BulkOptions) {
    const { transfer } = options
    const recorded: Transfer = async (...call) => {
      const result = await transfer(...call)
      this.#transfers.push(result)
      return result
    }
    this.#options = { ...options, transfer: recorded }
  }

  /** A downloader to the configured destination; `directory` holds files during a traditional transfer. */
  static open(config: Config, host: Partial<Host>, { directory, onNotice }: DownloadOptions): EnhancedBulkDownloader {
    const { sync, archive_collection: collection } = config
    const transfers = new Transfers({ ...config, sync: { ...sync, downloads: directory } }, host)
    return new EnhancedBulkDownloader({
      destination: sync.destination === '' ? undefined : sync.destination,
      operationMode: collection?.s3_direct_sync.operation_mode ?? 'auto',
      enableS3DirectSync: collection?.s3_direct_sync.enable_s3_direct_sync ?? true,
      s5cmdAvailable: canRun(sync.s5cmdPath, hostOf(host).environment['PATH'] ?? ''),
      directory,
      transfer: (addresses, request, onObject) =>
        transfers.sync({ ...DEFAULT_REQUEST, ...request }, { ...addresses, ...quietly(onNotice), ...(onObject && { onObject }) }),
    })
  }

  /** The way for these tasks. No store is asked. s5cmd is one engine of the direct way among three, so that its condition is reported but not required. */
  determineOperationMode(tasks: readonly FileTask[], options: { preferDirectSync?: boolean } = {}): ModeDecision {
    const { destination, operationMode, enableS3DirectSync, s5cmdAvailable } = this.#options
    const inBuckets = tasks.filter(isInBucket).length
    const conditions = [
      { name: 'mode', met: operationMode !== 'traditional', required: true },
      { name: 'direct_sync_enabled', met: enableS3DirectSync && options.preferDirectSync !== false, required: true },
      { name: 'destination_configured', met: destination !== undefined, required: true },
      { name: 's5cmd_available', met: s5cmdAvailable, required: false },
      { name: 'most_sources_are_s3', met: tasks.length > 0 && inBuckets / tasks.length >= LEAST_SHARE, required: true },
      { name: 'every_source_is_s3', met: tasks.length > 0 && inBuckets === tasks.length, required: true },
    ]
    return { mode: conditions.every(({ met, required }) => met || !required) ? 'direct_sync' : 'traditional', conditions }
  }

  /** Copies the files to the destination by the way that fits. Returns one result a task, in the order of the tasks. Throws CONFIG_INVALID for a task that names no object. */
  async downloadFilesBatch(tasks: readonly FileTask[], options: { preferDirectSync?: boolean } = {}): Promise<TaskResult[]> {
    const { destination = '', directory, operationMode, transfer } = this.#options
    const { mode } = this.determineOperationMode(tasks, options)
    this.#used[mode]++
    if (mode === 'traditional') return await new TraditionalBulkDownloader({ destination, directory, transfer }).downloadFilesBatch(tasks)
    // In mode auto, an object that cannot go the direct way takes the traditional one.
    const falling: Transfer = (addresses, request, onObject) =>
      transfer(addresses, operationMode === 'auto' ? { ...request, mode: 'auto' } : request, onObject)
    return await new S3DirectSyncDownloader({ destination, transfer: falling }).syncFilesDirect(tasks)
  }

  /** Totals of all batches so far. */
  getStats(): BulkStats {
    return { ...efficiencyStats(this.#transfers), direct_sync_used: this.#used.direct_sync, traditional_used: this.#used.traditional }
  }
}

/** Whether a program can be run: a path, or a name that a folder of PATH holds. */
function canRun(program: string, path: string): boolean {
  const files = program.includes('/') ? [program] : path.split(delimiter).map((folder) => join(folder, program))
  return files.some((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
