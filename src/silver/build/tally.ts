import type { Finding } from '../../core/finding.ts'
import type { BuildOutcome } from './build-file.ts'
import { buildFindings } from './findings.ts'
import type { Refusal } from './inputs.ts'

export type SilverCounts = {
  rowsRead: number
  rowsWritten: number
  rowsRejected: number
  duplicatesDropped: number
  csvBytes: number
  objectsRefused: number
}

/**
 * The counts of building one table. A partition may be built more than once in a run. When a later data file replaces an earlier one, the counts of the earlier
 * file are removed, so that every row of the result is counted once.
 */
export class SilverTally {
  readonly #table: string
  readonly #files = new Map<string, BuildOutcome>()
  readonly #refused = new Map<string, Refusal>()
  #csvBytes = 0

  constructor(table: string) {
    this.#table = table
  }

  /** `url` is the new data file, `replaced` are the files that it replaces. */
  add(url: string, outcome: BuildOutcome, replaced: Iterable<string>): void {
    for (const old of replaced) this.#files.delete(old)
    this.#files.set(url, outcome)
    for (const refusal of outcome.refused) this.addRefused(refusal)
    this.#csvBytes += outcome.csvBytes
  }

  /** The keys of objects that bronze has lost, and forgets them, because they are fetched again. */
  takeLost(): string[] {
    const lost = [...this.#refused.values()].filter((refusal) => refusal.lost).map(({ key }) => key)
    for (const key of lost) this.#refused.delete(key)
    return lost
  }

  /** Records an object that is skipped because an earlier run refused it. */
  addRefused(refusal: Refusal): void {
    this.#refused.set(refusal.key, refusal)
  }

  counts(): SilverCounts {
    const counts = {
      rowsRead: 0,
      rowsWritten: 0,
      rowsRejected: 0,
      duplicatesDropped: 0,
      csvBytes: this.#csvBytes,
      objectsRefused: this.#refused.size,
    }
    // Each partition of a file reports all lines of the file.
    const rejected = new Map<string, number>()
    for (const { file, decoded, duplicates } of this.#files.values()) {
      counts.rowsWritten += file?.rows ?? 0
      counts.duplicatesDropped += duplicates.dropped
      for (const { key, evidence } of decoded) {
        counts.rowsRead += evidence.rows
        rejected.set(key, evidence.rejected)
      }
    }
    for (const lines of rejected.values()) counts.rowsRejected += lines
    counts.rowsRead += counts.rowsRejected
    return counts
  }

  findings(): Finding[] {
    return buildFindings(this.#table, [...this.#files.values()], [...this.#refused.values()])
  }
}
