import type { LakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import type { Lake } from '../../lake/lake.ts'
import type { SweepOutcome } from '../../lake/runs/sweep.ts'
import type { CoveredMonth } from '../../silver/build/continuity.ts'
import { type Series, silverTableName } from '../../sources/series.ts'

/** The data for a progress display. Counts grow as the plan is discovered. */
export type IngestProgress = {
  phase: 'plan' | 'bronze' | 'silver' | 'gold' | 'done'
  planned: number
  landed: number
  bytes: number
  table: string
  rows: number
}

const NO_COUNTS = {
  filesPlanned: 0,
  filesFetched: 0,
  filesSkipped: 0,
  filesQuarantined: 0,
  filesFailed: 0,
  rowsRead: 0,
  rowsWritten: 0,
  rowsRejected: 0,
  duplicatesDropped: 0,
  bytesRead: 0,
  csvBytes: 0,
  partitionsWritten: 0,
  partitionsUnchanged: 0,
  barsWritten: 0,
  gaps: 0,
  missingBars: 0,
}

export type IngestCounts = Record<keyof typeof NO_COUNTS, number>

export type IngestResult = {
  readonly counts: IngestCounts
  readonly findings: readonly Finding[]
  readonly errors: readonly LakehouseError[]
  readonly tables: readonly string[]
  readonly swept: { readonly temporaries: number; readonly orphans: number }
}

/** A table of an ingestion, and the months that its monthly files should cover. */
export type SelectedTable = { readonly series: Series; readonly months: CoveredMonth[] }

/** The results of an ingestion so far. Every step adds to it. */
export class IngestReport {
  readonly counts: IngestCounts = { ...NO_COUNTS }
  readonly findings: Finding[] = []
  readonly errors: LakehouseError[] = []
  /** Keys of objects that could not be fetched. */
  readonly failed = new Set<string>()
  readonly #tables = new Map<string, SelectedTable>()
  readonly #progress: IngestProgress = { phase: 'plan', planned: 0, landed: 0, bytes: 0, table: '', rows: 0 }
  readonly #onProgress: (progress: IngestProgress) => void

  constructor(onProgress: (progress: IngestProgress) => void) {
    this.#onProgress = onProgress
  }

  /** Adds the table of a series to the ingestion. */
  select({ exchange, market, dataset, interval }: Series): SelectedTable {
    const series = { exchange, market, dataset, interval }
    const name = silverTableName(series)
    const table = this.#tables.get(name) ?? { series, months: [] }
    this.#tables.set(name, table)
    return table
  }

  /** The tables of the ingestion, in the order in which they were found. */
  get selected(): readonly SelectedTable[] {
    return [...this.#tables.values()]
  }

  add(counts: Partial<IngestCounts>): void {
    for (const [name, count] of Object.entries(counts) as [keyof IngestCounts, number][]) this.counts[name] += count
  }

  tell(change: Partial<IngestProgress>): void {
    this.#onProgress(Object.assign(this.#progress, change))
  }

  /** Reports rows that were written, or files that have arrived. */
  count({ rows = 0, landed = 0, bytes = 0 }: Partial<IngestProgress>): void {
    const { rows: allRows, landed: allLanded, bytes: allBytes } = this.#progress
    this.tell({ rows: allRows + rows, landed: allLanded + landed, bytes: allBytes + bytes })
  }

  noteObject(check: string, severity: Finding['severity'], { key, symbol }: { key: string; symbol: string }, explanation: string): void {
    const whole = wholeFinding('bronze.objects', check, severity, 1, explanation.startsWith(key) ? explanation : `${key}: ${explanation}`)
    this.findings.push({ ...whole, symbol })
  }

  result(lake: Lake, { temporaries, orphans }: SweepOutcome): IngestResult {
    return {
      counts: this.counts,
      findings: [...this.findings, ...lake.findings],
      errors: this.errors,
      tables: [...this.#tables.keys()].map((name) => `silver.${name}`),
      swept: { temporaries, orphans },
    }
  }
}
