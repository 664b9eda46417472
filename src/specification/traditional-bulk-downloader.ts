import { sweepTemporaries } from '../storage/local.ts'
import { mayBeAtWork } from '../storage/temporary.ts'
import type { RunCounts } from '../transfer/run/run.ts'
import type { SyncResult } from '../transfer/sync.ts'
import { byBucket, type FileTask, type Transfer } from './s3-direct-sync-downloader.ts'

/** Downloads, verifies and uploads, under the names of the specification: the way that works where nothing else does. */
export class TraditionalBulkDownloader {
  readonly #transfer: Transfer
  readonly #destination: string
  readonly #directory: string
  #last: RunCounts | undefined

  /** `directory` is where `transfer` holds files while they are under way. */
  constructor(options: { destination: string; directory: string; transfer: Transfer }) {
    this.#transfer = options.transfer
    this.#destination = options.destination
    this.#directory = options.directory
  }

  /** Downloads, verifies and uploads objects; one result for each bucket that they come from. */
  async downloadFilesBatch(tasks: readonly FileTask[]): Promise<SyncResult[]> {
    const results: SyncResult[] = []
    for (const [source, keys] of byBucket(tasks)) results.push(await this.#run(source, this.#destination, keys))
    return results
  }

  /** One object, all the way. */
  async processFile(task: FileTask): Promise<SyncResult | undefined> {
    return (await this.downloadFilesBatch([task]))[0]
  }

  /** Uploads what lies in a directory, keys relative to it. */
  async uploadToS3(directory: string): Promise<SyncResult> {
    return await this.#run(directory, this.#destination, undefined)
  }

  /** Removes downloads that killed processes have left, and returns how many. A transfer removes each of its own as soon as it has been uploaded. */
  async cleanupLocalFiles(): Promise<number> {
    return await sweepTemporaries(this.#directory, mayBeAtWork)
  }

  /** Counts of the last transfer, or undefined before the first. */
  getDownloadStats(): RunCounts | undefined {
    return this.#last
  }

  async #run(source: string, destination: string, keys: readonly string[] | undefined): Promise<SyncResult> {
    const result = await this.#transfer({ source, destination }, { mode: 'traditional', keys })
    this.#last = result.counts
    return result
  }
}
