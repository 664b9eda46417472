const REDRAW_MS = 100
const PLAIN_MS = 5000

export type DisplayDeps = { readonly write: (text: string) => void; readonly interactive: boolean; readonly nowMs: () => number }

/** Shows progress: one line that is redrawn on a terminal, or else a plain line every few seconds. */
export class LineDisplay {
  readonly #deps: DisplayDeps
  readonly #startedMs: number
  #lastMs = Number.NEGATIVE_INFINITY
  #lastSubject = ''
  #drawn = 0

  constructor(deps: DisplayDeps) {
    this.#deps = deps
    this.#startedMs = deps.nowMs()
  }

  /** Shows the line when one is due. Without a terminal, a new subject is always shown. */
  update(subject: string, line: (elapsedMs: number) => string): void {
    const { write, interactive, nowMs } = this.#deps
    const now = nowMs()
    const isDue = now - this.#lastMs >= (interactive ? REDRAW_MS : PLAIN_MS) || (!interactive && subject !== this.#lastSubject)
    if (!isDue) return
    this.#lastMs = now
    this.#lastSubject = subject
    const text = line(now - this.#startedMs)
    if (!interactive) write(`${text}\n`)
    else {
      write(`\r${text.padEnd(this.#drawn)}`)
      this.#drawn = text.length
    }
  }

  /** Erases the line. */
  clear(): void {
    if (this.#drawn > 0) this.#deps.write(`\r${' '.repeat(this.#drawn)}\r`)
    this.#drawn = 0
  }
}
