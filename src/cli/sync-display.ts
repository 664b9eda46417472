import type { RunCounts } from '../transfer/run.ts'
import { formatBytes, formatCount, formatDuration } from './format.ts'

const REDRAW_MS = 100
const PLAIN_MS = 5000

/** Shows how a transfer goes: one line redrawn in place on a terminal, a plain line every few seconds elsewhere. */
export class SyncDisplay {
  readonly #write: (text: string) => void
  readonly #interactive: boolean
  readonly #nowMs: () => number
  readonly #startedMs: number
  #lastMs: number
  #drawn = 0

  constructor(deps: { write: (text: string) => void; interactive: boolean; nowMs: () => number }) {
    this.#write = deps.write
    this.#interactive = deps.interactive
    this.#nowMs = deps.nowMs
    this.#startedMs = deps.nowMs()
    this.#lastMs = this.#startedMs
  }

  update(counts: Readonly<RunCounts>): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lastMs < (this.#interactive ? REDRAW_MS : PLAIN_MS)) return
    this.#lastMs = nowMs
    const line = describe(counts, nowMs - this.#startedMs)
    if (!this.#interactive) this.#write(`${line}\n`)
    else {
      this.#write(`\r${line.padEnd(this.#drawn)}`)
      this.#drawn = line.length
    }
  }

  clear(): void {
    if (this.#drawn > 0) this.#write(`\r${' '.repeat(this.#drawn)}\r`)
    this.#drawn = 0
  }
}

function describe(
  { objectsCopied, objectsPlanned, objectsSkipped, objectsFailed, bytesCopied, bytesPlanned }: Readonly<RunCounts>,
  elapsedMs: number,
): string {
  const rate = bytesCopied / Math.max(elapsedMs / 1000, 0.001)
  const left = bytesCopied === 0 ? '' : `  ${formatDuration(((bytesPlanned - bytesCopied) / rate) * 1000)} left of what is known`
  const failed = objectsFailed === 0 ? '' : `  ${formatCount(objectsFailed)} failed`
  return `sync    ${formatCount(objectsCopied)}/${formatCount(objectsPlanned)} objects  ${formatCount(objectsSkipped)} there already  ${formatBytes(bytesCopied)}  ${formatBytes(rate)}/s${left}${failed}`
}
