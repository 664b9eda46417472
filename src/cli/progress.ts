import type { IngestProgress } from '../flows/ingest.ts'
import { formatBytes, formatCount } from './format.ts'

const REDRAW_MS = 100
const PLAIN_MS = 5000

/** Shows how an ingestion goes: one line redrawn in place on a terminal, a plain line at each phase and every few seconds elsewhere. */
export class ProgressDisplay {
  readonly #write: (text: string) => void
  readonly #interactive: boolean
  readonly #nowMs: () => number
  readonly #startedMs: number
  #lastMs = 0
  #lastPhase = ''
  #drawn = 0

  constructor(deps: { write: (text: string) => void; interactive: boolean; nowMs: () => number }) {
    this.#write = deps.write
    this.#interactive = deps.interactive
    this.#nowMs = deps.nowMs
    this.#startedMs = deps.nowMs()
  }

  update(progress: IngestProgress): void {
    const nowMs = this.#nowMs()
    const phase = `${progress.phase} ${progress.table}`
    const due = nowMs - this.#lastMs >= (this.#interactive ? REDRAW_MS : PLAIN_MS) || (!this.#interactive && phase !== this.#lastPhase)
    if (!due || progress.phase === 'done' || progress.planned === 0) return
    this.#lastMs = nowMs
    this.#lastPhase = phase
    const line = describe(progress, nowMs - this.#startedMs)
    if (!this.#interactive) this.#write(`${line}\n`)
    else {
      this.#write(`\r${line.padEnd(this.#drawn)}`)
      this.#drawn = line.length
    }
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#drawn > 0) this.#write(`\r${' '.repeat(this.#drawn)}\r`)
    this.#drawn = 0
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
