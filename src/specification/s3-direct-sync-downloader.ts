import { writeFile } from 'node:fs/promises'
import { LakehouseError } from '../core/errors.ts'
import { parseS3Address } from '../storage/s3/address.ts'
import { batchLine } from '../transfer/engines/s5cmd-batch.ts'
import type { Efficiency } from '../transfer/report/report.ts'
import type { SyncRequest, SyncResult } from '../transfer/sync.ts'

/** An object to be brought to the destination under its own key: s3://bucket/key. */
export type FileTask = { readonly sourceUrl: string }

/** Runs a transfer between two places; `keys` are relative to the source. */
export type Transfer = (places: { source: string; destination: string }, request: Partial<SyncRequest>) => Promise<SyncResult>

/** The places of file tasks by bucket, with the keys of each. Throws CONFIG_INVALID for a task that names no object of a bucket. */
export function byBucket(tasks: readonly FileTask[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { sourceUrl } of tasks) {
    const match = /^(s3:\/\/[^/?]+)\/([^?]+)(\?.*)?$/.exec(sourceUrl)
    if (match === null)
      throw new LakehouseError('CONFIG_INVALID', `"${sourceUrl}" names no object of a bucket`, { details: { address: sourceUrl } })
    const place = `${match[1]}${match[3] ?? ''}`
    const keys = found.get(place)
    if (keys === undefined) found.set(place, [match[2] ?? ''])
    else keys.push(match[2] ?? '')
  }
  return found
}

/** Copies from bucket to bucket without this machine's disk, under the names of the specification. */
export class S3DirectSyncDownloader {
  readonly #transfer: Transfer
  readonly #destination: string
  #last: Efficiency | undefined

  /** `destination` is the address of a bucket or a place in it. */
  constructor(options: { destination: string; transfer: Transfer }) {
    this.#transfer = options.transfer
    this.#destination = options.destination
  }

  /** Copies single objects; one result for each bucket that they come from. */
  async syncFilesDirect(tasks: readonly FileTask[]): Promise<SyncResult[]> {
    const results: SyncResult[] = []
    for (const [source, keys] of byBucket(tasks)) results.push(await this.#run(source, { keys }))
    return results
  }

  /** Copies everything below a place. */
  async syncDirectoryDirect(source: string, request: Partial<SyncRequest> = {}): Promise<SyncResult> {
    return await this.#run(source, request)
  }

  /** Writes the batch that `executeS5cmdBatch` takes, one proved line an object; returns how many lines. */
  async generateS5cmdBatchFile(tasks: readonly FileTask[], path: string): Promise<number> {
    const destination = parseS3Address(this.#destination)
    const lines: string[] = []
    for (const [place, keys] of byBucket(tasks)) {
      const source = parseS3Address(place)
      for (const key of keys) {
        const copy = { source: `s3://${source.bucket}/${key}`, destination: `s3://${destination.bucket}/${destination.prefix}${key}` }
        lines.push(batchLine(copy, { source, destination }, { storageClass: undefined, encryption: undefined, kmsKeyId: undefined }))
      }
    }
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    return lines.length
  }

  /** Copies the same objects by s5cmd, watched and confirmed; those that it cannot copy go another way. */
  async executeS5cmdBatch(tasks: readonly FileTask[]): Promise<SyncResult[]> {
    const results: SyncResult[] = []
    for (const [source, keys] of byBucket(tasks)) results.push(await this.#run(source, { keys, engine: 's5cmd' }))
    return results
  }

  /** What the last transfer took and saved, or undefined before the first. */
  getEfficiencyStats(): Efficiency | undefined {
    return this.#last
  }

  async #run(source: string, request: Partial<SyncRequest>): Promise<SyncResult> {
    const result = await this.#transfer({ source, destination: this.#destination }, { mode: 'direct_sync', ...request })
    this.#last = result.efficiency
    return result
  }
}
