import { formatBytes, formatCount } from '../core/format.ts'
import type { IngestProgress } from '../flows/bulk-ingestion/report.ts'
import { type DisplayDeps, LineDisplay } from './line-display.ts'

/** Shows the progress of an ingestion. */
export class ProgressDisplay {
  readonly #line: LineDisplay

  constructor(deps: DisplayDeps) {
    this.#line = new LineDisplay(deps)
  }

  update(progress: IngestProgress): void {
    if (progress.phase === 'done' || progress.planned === 0) return
    this.#line.update(`${progress.phase} ${progress.table}`, (elapsedMs) => describe(progress, elapsedMs))
  }

  clear(): void {
    this.#line.clear()
  }
}

function describe(progress: IngestProgress, elapsedMs: number): string {
  const { phase, planned, landed, bytes, table, rows } = progress
  const seconds = Math.max(elapsedMs / 1000, 0.001)
  switch (phase) {
    case 'plan':
      return `plan    ${formatCount(planned)} files`
    case 'bronze':
      return `bronze  ${formatCount(landed)}/${formatCount(planned)} files  ${formatBytes(bytes)}  ${formatBytes(bytes / seconds)}/s`
    case 'silver':
      return `silver  ${table}  ${formatCount(rows)} rows`
    case 'gold':
      return `gold    ${table}`
    case 'done':
      return 'done'
  }
}
