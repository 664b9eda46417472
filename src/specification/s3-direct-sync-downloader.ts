import { writeFile } from 'node:fs/promises'
import { parseS3Address } from '../storage/s3/address.ts'
import { batchLine } from '../transfer/engines/s5cmd-batch.ts'
import type { SyncRequest, SyncResult } from '../transfer/sync.ts'
import { copyTasks, type FileTask, groupBySource, type TaskResult, type Transfer } from './file-tasks.ts'
import { type EfficiencyStats, efficiencyStats } from './transfer-stats.ts'

/** Copies from bucket to bucket without this machine's disk. */
export class S3DirectSyncDownloader {
  readonly #transfer: Transfer
  readonly #destination: string
  readonly #transfers: SyncResult[] = []

  /** `destination` is the address of a bucket, or of a prefix in it. */
  constructor(options: { destination: string; transfer: Transfer }) {
    this.#transfer = options.transfer
    this.#destination = options.destination
  }

  /** Copies single objects. Returns one result a task, in the order of the tasks. Throws CONFIG_INVALID for a task that names no object. */
  async syncFilesDirect(tasks: readonly FileTask[]): Promise<TaskResult[]> {
    return await this.#copy(tasks, {})
  }

  /** Copies everything below an address. */
  async syncDirectoryDirect(source: string, request: Partial<SyncRequest> = {}): Promise<SyncResult> {
    const result = await this.#transfer({ source, destination: this.#destination }, { mode: 'direct_sync', ...request })
    this.#transfers.push(result)
    return result
  }

  /** Writes the batch file that `executeS5cmdBatch` runs, one line an object. Returns the number of lines. */
  async generateS5cmdBatchFile(tasks: readonly FileTask[], path: string): Promise<number> {
    const destination = parseS3Address(this.#destination)
    const lines: string[] = []
    for (const { source: address, tasks: keys } of groupBySource(tasks)) {
      const source = parseS3Address(address)
      for (const key of keys.keys()) {
        const copy = { source: `s3://${source.bucket}/${key}`, destination: `s3://${destination.bucket}/${destination.prefix}${key}` }
        lines.push(batchLine(copy, { source, destination }, { storageClass: undefined, encryption: undefined, kmsKeyId: undefined }))
      }
    }
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    return lines.length
  }

  /** Copies objects with s5cmd. An object that s5cmd cannot copy takes another engine. */
  async executeS5cmdBatch(tasks: readonly FileTask[]): Promise<TaskResult[]> {
    return await this.#copy(tasks, { engine: 's5cmd' })
  }

  /** Totals of all transfers of this object, in the keys of the specification. */
  getEfficiencyStats(): EfficiencyStats {
    return efficiencyStats(this.#transfers)
  }

  async #copy(tasks: readonly FileTask[], request: Partial<SyncRequest>): Promise<TaskResult[]> {
    const { results, transfers } = await copyTasks(this.#transfer, this.#destination, tasks, { mode: 'direct_sync', ...request })
    this.#transfers.push(...transfers)
    return results
  }
}
