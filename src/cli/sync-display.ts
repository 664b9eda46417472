import { formatBytes, formatCount, formatDuration } from '../core/format.ts'
import type { RunCounts } from '../transfer/run/run.ts'
import { type DisplayDeps, LineDisplay } from './line-display.ts'

/** Shows the progress of a transfer. */
export class SyncDisplay {
  readonly #line: LineDisplay

  constructor(deps: DisplayDeps) {
    this.#line = new LineDisplay(deps)
  }

  update(counts: Readonly<RunCounts>): void {
    if (counts.objectsPlanned + counts.objectsSkipped > 0) this.#line.update('sync', (elapsedMs) => describe(counts, elapsedMs))
  }

  clear(): void {
    this.#line.clear()
  }
}

function describe(
  { objectsCopied, objectsPlanned, objectsSkipped, objectsFailed, bytesCopied, bytesPlanned }: Readonly<RunCounts>,
  elapsedMs: number,
): string {
  const rate = bytesCopied / Math.max(elapsedMs / 1000, 0.001)
  const left =
    bytesCopied === 0 ? '' : `  ${formatDuration(((bytesPlanned - bytesCopied) / rate) * 1000)} left for the objects listed so far`
  const failed = objectsFailed === 0 ? '' : `  ${formatCount(objectsFailed)} failed`
  return `sync    ${formatCount(objectsCopied)}/${formatCount(objectsPlanned)} objects  ${formatCount(objectsSkipped)} already there  ${formatBytes(bytesCopied)}  ${formatBytes(rate)}/s${left}${failed}`
}
