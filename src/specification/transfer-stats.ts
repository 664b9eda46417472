import type { SyncResult } from '../transfer/sync.ts'

/** Totals of transfers in the keys of the specification. A skipped file is up to date: it counts as success. */
export type EfficiencyStats = {
  readonly files_synced: number
  readonly files_skipped: number
  readonly files_failed: number
  readonly bytes_transferred: number
  readonly operations_reduced: number
  /** operations_reduced over the two operations a file that the traditional way takes, as "50.0%". */
  readonly efficiency_improvement: string
  /** Share of files that are at the destination, as "100.0%". */
  readonly success_rate: string
  /** Share of bytes that did not pass through this machine, as "100.0%"; without transferred bytes "0.0%". */
  readonly network_transfer_reduction: string
}

const OPERATIONS_A_FILE = 2

export function efficiencyStats(transfers: readonly SyncResult[]): EfficiencyStats {
  const sum = (of: (result: SyncResult) => number) => transfers.reduce((total, result) => total + of(result), 0)
  const [synced, skipped] = [sum(({ counts }) => counts.objectsCopied), sum(({ counts }) => counts.objectsSkipped)]
  const failed = sum(({ counts, findings }) => counts.objectsFailed + missing(findings))
  const [bytes, through] = [sum(({ counts }) => counts.bytesCopied), sum(({ counts }) => counts.bytesThrough)]
  const reduced = sum(({ efficiency }) => efficiency.operationsReduced)
  const total = synced + skipped + failed
  return {
    files_synced: synced,
    files_skipped: skipped,
    files_failed: failed,
    bytes_transferred: bytes,
    operations_reduced: reduced,
    efficiency_improvement: percent(total === 0 ? 0 : reduced / (total * OPERATIONS_A_FILE)),
    success_rate: percent(total === 0 ? 1 : (synced + skipped) / total),
    network_transfer_reduction: percent(bytes === 0 ? 0 : 1 - through / bytes),
  }
}

function missing(findings: SyncResult['findings']): number {
  return findings.filter(({ check }) => check === 'missing').length
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
