import { sweepTemporaries } from '../storage/local.ts'
import { mayBeAtWork } from '../storage/temporary.ts'
import type { SyncResult } from '../transfer/sync.ts'
import { copyTasks, type FileTask, type TaskResult, type Transfer } from './file-tasks.ts'
import { type EfficiencyStats, efficiencyStats } from './transfer-stats.ts'

/** Downloads, verifies and uploads: the way that needs nothing but read and write. */
export class TraditionalBulkDownloader {
  readonly #transfer: Transfer
  readonly #destination: string
  readonly #directory: string
  readonly #transfers: SyncResult[] = []

  /** `directory` is where `transfer` keeps files until they are uploaded. */
  constructor(options: { destination: string; directory: string; transfer: Transfer }) {
    this.#transfer = options.transfer
    this.#destination = options.destination
    this.#directory = options.directory
  }

  /** Downloads, verifies and uploads objects. Returns one result a task, in the order of the tasks. Throws CONFIG_INVALID for a task that names no object. */
  async downloadFilesBatch(tasks: readonly FileTask[]): Promise<TaskResult[]> {
    const { results, transfers } = await copyTasks(this.#transfer, this.#destination, tasks, { mode: 'traditional' })
    this.#transfers.push(...transfers)
    return results
  }

  /** One object, all the way. */
  async processFile(task: FileTask): Promise<TaskResult | undefined> {
    return (await this.downloadFilesBatch([task]))[0]
  }

  /** Uploads the files of a directory, keys relative to it. */
  async uploadToS3(directory: string): Promise<SyncResult> {
    const result = await this.#transfer({ source: directory, destination: this.#destination }, { mode: 'traditional', keys: undefined })
    this.#transfers.push(result)
    return result
  }

  /** Removes downloads that killed processes left, and returns their number. A transfer removes its own downloads after the upload. */
  async cleanupLocalFiles(): Promise<number> {
    return await sweepTemporaries(this.#directory, mayBeAtWork)
  }

  /** Totals of all transfers of this object, in the keys of the specification. */
  getDownloadStats(): EfficiencyStats {
    return efficiencyStats(this.#transfers)
  }
}
