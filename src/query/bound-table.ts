import { formatInstant } from '../core/time.ts'
import { type Snapshot, shownId } from '../lake/iceberg/metadata.ts'
import type { ScanPlan } from '../lake/iceberg/scan.ts'

/** How a table takes part in a query: which snapshot, and what of it is opened. */
export type BoundTable = {
  readonly table: string
  readonly snapshotId: number | string | null
  readonly snapshotTime: string | null
  readonly filesRead: number
  readonly filesSkipped: number
  /** Why: by their partition, by the bounds of their columns; null where the table is mentioned more than once, each time under other conditions. */
  readonly skippedBy: ScanPlan['skippedBy'] | null
  readonly bytesRead: number
  readonly manifestsRead: number
  readonly manifestsSkipped: number
}

/** What a single plan says of a table's part in a query. */
export function boundTable(table: string, snapshot: Snapshot | undefined, plan: ScanPlan): BoundTable {
  return {
    table,
    snapshotId: snapshot === undefined ? null : shownId(snapshot['snapshot-id']),
    snapshotTime: snapshot === undefined ? null : formatInstant(snapshot['timestamp-ms'] * 1000),
    filesRead: plan.files.length,
    filesSkipped: plan.filesSkipped,
    skippedBy: plan.skippedBy,
    bytesRead: plan.files.reduce((sum, file) => sum + file.bytes, 0),
    manifestsRead: plan.manifestsRead,
    manifestsSkipped: plan.manifestsSkipped,
  }
}
