import type { Config } from '../config/schema.ts'
import { quietly, type TransferOptions, Transfers } from '../lakehouse/transfers.ts'
import type { Host } from '../platform/host.ts'
import type { OperationMode } from '../transfer/run/route.ts'
import { DEFAULT_REQUEST, type SyncResult } from '../transfer/sync.ts'
import { type FileTask, S3DirectSyncDownloader, type Transfer } from './s3-direct-sync-downloader.ts'
import { TraditionalBulkDownloader } from './traditional-bulk-downloader.ts'

export type BulkOptions = {
  /** Address of the bucket to copy to, or undefined where none is configured. */
  readonly destination: string | undefined
  readonly operationMode: OperationMode
  readonly enableS3DirectSync: boolean
  readonly directory: string
  readonly transfer: Transfer
}

type DownloadOptions = Pick<TransferOptions, 'onNotice'> & { readonly directory: string }

/** The way that was chosen, and the conditions that decided. */
export type ModeDecision = {
  readonly mode: 'direct_sync' | 'traditional'
  readonly conditions: readonly { readonly name: string; readonly met: boolean }[]
}

/** The direct way is worth it from this share of sources in buckets. */
const LEAST_SHARE = 0.8

/** Chooses between the direct and the traditional way for many files, and keeps account, under the names of the specification. */
export class EnhancedBulkDownloader {
  readonly #options: BulkOptions
  readonly #results: SyncResult[] = []

  constructor(options: BulkOptions) {
    this.#options = options
  }

  /** A downloader to the configured destination; `directory` holds files while they are under way. */
  static open(config: Config, host: Partial<Host>, { directory, onNotice }: DownloadOptions): EnhancedBulkDownloader {
    const { sync, archive_collection: collection } = config
    const transfers = new Transfers({ ...config, sync: { ...sync, downloads: directory } }, host)
    return new EnhancedBulkDownloader({
      destination: sync.destination === '' ? undefined : sync.destination,
      operationMode: collection?.s3_direct_sync.operation_mode ?? 'auto',
      enableS3DirectSync: collection?.s3_direct_sync.enable_s3_direct_sync ?? true,
      directory,
      transfer: (places, request) => transfers.sync({ ...DEFAULT_REQUEST, ...request }, { ...places, ...quietly(onNotice) }),
    })
  }

  /** The way for these tasks. Pure: nothing is asked of any store. */
  determineOperationMode(tasks: readonly FileTask[], options: { preferDirectSync?: boolean } = {}): ModeDecision {
    const { destination, operationMode, enableS3DirectSync } = this.#options
    const inBuckets = tasks.filter(({ sourceUrl }) => sourceUrl.startsWith('s3://')).length
    const conditions = [
      { name: 'mode', met: operationMode !== 'traditional' },
      { name: 'direct_sync_enabled', met: enableS3DirectSync && options.preferDirectSync !== false },
      { name: 'destination_configured', met: destination !== undefined },
      { name: 'most_sources_are_s3', met: tasks.length > 0 && inBuckets / tasks.length >= LEAST_SHARE },
      { name: 'every_source_is_s3', met: tasks.length > 0 && inBuckets === tasks.length },
    ]
    return { mode: conditions.every(({ met }) => met) ? 'direct_sync' : 'traditional', conditions }
  }

  /** Brings the files to the destination by the way that fits; an object that cannot go the direct way goes another by itself. */
  async downloadFilesBatch(tasks: readonly FileTask[], options: { preferDirectSync?: boolean } = {}): Promise<SyncResult[]> {
    const { destination = '', directory, operationMode } = this.#options
    const { mode } = this.determineOperationMode(tasks, options)
    const transfer: Transfer = (places, request) =>
      this.#options.transfer(places, operationMode === 'auto' && mode === 'direct_sync' ? { ...request, mode: 'auto' } : request)
    const results =
      mode === 'direct_sync'
        ? await new S3DirectSyncDownloader({ destination, transfer }).syncFilesDirect(tasks)
        : await new TraditionalBulkDownloader({ destination, directory, transfer }).downloadFilesBatch(tasks)
    this.#results.push(...results)
    return results
  }

  /** All transfers so far: files by how they ended, bytes, operations saved. Skipped is not failed. */
  getStats(): {
    filesSynced: number
    filesSkipped: number
    filesFailed: number
    bytesTransferred: number
    operationsReduced: number
    successRate: number
  } {
    const sum = (of: (result: SyncResult) => number) => this.#results.reduce((total, result) => total + of(result), 0)
    const filesSynced = sum(({ counts }) => counts.objectsCopied)
    const filesSkipped = sum(({ counts }) => counts.objectsSkipped)
    const filesFailed = sum(({ counts }) => counts.objectsFailed)
    const total = filesSynced + filesSkipped + filesFailed
    return {
      filesSynced,
      filesSkipped,
      filesFailed,
      bytesTransferred: sum(({ counts }) => counts.bytesCopied),
      operationsReduced: sum((result) => result.efficiency.operationsReduced),
      successRate: total === 0 ? 1 : (filesSynced + filesSkipped) / total,
    }
  }
}
