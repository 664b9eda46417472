import { PLAUSIBLE_TIME, type TimeRange } from '../../core/time.ts'
import * as fields from './csv-fields.ts'
import { countCommas, fieldEnd, isEmpty, isOutOfRange, kindOf, lineAt, otherValue, slowDecimal, TimeReader, whyNone } from './csv-fields.ts'
import { type CsvLayout, sniffLayout } from './csv-header.ts'
import type { DecodeOptions, RowSource } from './decode-options.ts'
import type { FileEvidence, RejectReason } from './file-evidence.ts'

// Constants of this module, because V8 inlines them but loads imported ones each time.
const { SKIP, LONG, INSTANT, UNUSED, HOUR, COMMA, NEWLINE, RETURN, MINUS, DOT, ZERO, NINE, MAX_EXACT, POWERS } = fields

const MAX_LINE_BYTES = 64 << 10
const TEXT_LIMIT = 4096
const MS_START = PLAUSIBLE_TIME.start / 1000
const MS_END = PLAUSIBLE_TIME.end / 1000
const EMPTY = Buffer.alloc(0)
const NOWHERE: TimeRange = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY }

/** Decodes the rows of one CSV, straight from its bytes into column arrays. */
export class CsvDecoder {
  readonly evidence: FileEvidence
  readonly #source: RowSource
  readonly #options: DecodeOptions
  readonly #layout: CsvLayout
  readonly #kinds: Uint8Array
  readonly #optional: readonly boolean[]
  readonly #nonNegative: readonly boolean[]
  readonly #key: readonly number[]
  readonly #hasHours: boolean
  readonly #last: Float64Array
  readonly #isKeyedByTime: boolean
  #range: TimeRange
  #stopsAtEnd: boolean
  /** A row beyond the range, by target, and its time. */
  #held: { readonly values: readonly number[]; readonly time: number } | undefined
  readonly #times = new TimeReader()
  #hours = 0
  #hasKey = false
  #bytes: Buffer = EMPTY
  #at = 0
  #line: number
  #drained = false
  #correction: Buffer | undefined
  /** By field: the symbol that must be there. */
  readonly #symbols: readonly (string | undefined)[]
  #isCorrecting = false

  /** Reads the first block. Throws what the source throws, and CSV_HEADER_INVALID. */
  constructor(source: RowSource, options: DecodeOptions) {
    this.#source = source
    this.#options = options
    this.#range = options.range
    this.#stopsAtEnd = options.stopsAtEnd === true
    this.#bytes = source.next() ?? EMPTY
    this.#drained = this.#bytes.length === 0
    this.#layout = sniffLayout(this.#bytes, options.columns, source.label)
    this.#at = this.#layout.dataStart
    this.#line = this.#layout.dataLine
    this.#kinds = Uint8Array.from(this.#layout.positions.map((index) => kindOf(options.columns[index])))
    this.#optional = this.#layout.positions.map((index) => options.columns[index]?.optional === true)
    this.#nonNegative = this.#layout.positions.map((index) => options.nonNegative?.[index] === true)
    this.#symbols = this.#layout.positions.map((index) =>
      options.columns[index]?.isSymbol === true && options.symbol !== undefined
        ? Buffer.from(options.symbol).toString('latin1')
        : undefined,
    )
    this.#hasHours = this.#kinds.includes(HOUR)
    this.#key = options.key ?? []
    this.#last = new Float64Array(this.#key.length)
    this.#isKeyedByTime = this.#key.length === 1 && this.#key[0] === options.eventTime
    const { bom, header } = this.#layout
    this.evidence = {
      bom,
      header,
      lineEnd: 'none',
      unitMs: 0,
      unitUs: 0,
      rows: 0,
      rejected: 0,
      unused: 0,
      elsewhere: new Map(),
      first: undefined,
      last: undefined,
      ascending: options.key !== undefined,
      sorted: true,
      firstKey: [],
      lastKey: [],
    }
  }

  /**
   * Decodes up to `maxRows` rows into `targets`, one array per contract column (undefined for unused columns), and returns the number of rows.
   * 0 means the end of the file, or the end of the range at which reading stops.
   */
  decode(targets: readonly (Float64Array | undefined)[], maxRows: number): number {
    let rows = this.#release(targets)
    while (rows < maxRows && this.#held === undefined) {
      const available = this.#completeBytes()
      if (this.#at >= available) {
        if (!this.#refill()) break
        continue
      }
      rows = this.#decodeBlock(targets, available, rows, maxRows)
    }
    this.evidence.rows += rows
    return rows
  }

  /** The bytes up to the last line end, or all bytes after the source has ended. */
  #completeBytes(): number {
    return this.#drained ? this.#bytes.length : this.#bytes.lastIndexOf(NEWLINE) + 1
  }

  #refill(): boolean {
    if (this.#drained) return false
    // A copy, because the source may reuse the memory of its last block.
    let rest: Buffer = Buffer.from(this.#bytes.subarray(this.#at))
    if (rest.length > MAX_LINE_BYTES) rest = this.#rejectLongLine(rest)
    const block = this.#source.next()
    this.#drained = block === undefined
    this.#bytes = block === undefined ? rest : rest.length === 0 ? block : Buffer.concat([rest, block])
    this.#at = 0
    return true
  }

  /** A line without an end would fill the memory. Its beginning becomes a rejected row, and the rest of the line is skipped. */
  #rejectLongLine(rest: Buffer): Buffer {
    this.#reject('LINE_TOO_LONG', null, rest.subarray(0, TEXT_LIMIT))
    this.#line++
    for (let block = this.#source.next(); block !== undefined; block = this.#source.next()) {
      const end = block.indexOf(NEWLINE)
      if (end >= 0) return Buffer.from(block.subarray(end + 1))
    }
    return EMPTY
  }

  #decodeBlock(targets: readonly (Float64Array | undefined)[], available: number, from: number, maxRows: number): number {
    const bytes = this.#bytes
    const range = this.#range
    const stopsAtEnd = this.#stopsAtEnd
    const times = targets[this.#options.eventTime]
    let row = from
    let at = this.#at
    while (at < available && row < maxRows) {
      const end = this.#decodeRow(bytes, at, targets, row)
      if (end < 0) {
        const isCorrected = this.#correct(targets, row)
        at = this.#skipLine(bytes, at)
        if (!isCorrected) continue
      } else {
        at = end
        this.#line++
      }
      const time = times?.[row] ?? 0
      if (time >= range.start && time < range.end) {
        this.#observe(time, targets, row)
        row++
      } else if (stopsAtEnd && time >= range.end) {
        this.#held = { values: targets.map((target) => target?.[row] ?? Number.NaN), time }
        break
      } else this.#countElsewhere(time)
    }
    this.#at = at
    return row
  }

  /** Returns the held row if it is in the current range. The result is the number of rows. */
  #release(targets: readonly (Float64Array | undefined)[]): number {
    const held = this.#held
    if (held === undefined || (this.#stopsAtEnd && held.time >= this.#range.end)) return 0
    this.#held = undefined
    if (held.time < this.#range.start || held.time >= this.#range.end) {
      this.#countElsewhere(held.time)
      return 0
    }
    for (const [index, target] of targets.entries()) if (target !== undefined) target[0] = held.values[index] as number
    this.#observe(held.time, targets, 0)
    return 1
  }

  /** Continues with the rows of a later range, or reads to the end of the file without a range. The evidence about rows is then that of the new range. */
  moveTo(next: TimeRange | undefined): void {
    Object.assign(this.evidence, { rows: 0, first: undefined, last: undefined, ascending: this.#options.key !== undefined, firstKey: [] })
    this.#hasKey = false
    this.#range = next ?? NOWHERE
    this.#stopsAtEnd = next !== undefined
  }

  /** Decodes the replacement of the line that was just rejected, if there is one. */
  #correct(targets: readonly (Float64Array | undefined)[], row: number): boolean {
    const correction = this.#correction
    if (correction === undefined) return false
    this.#correction = undefined
    this.#isCorrecting = true
    const isRow = this.#decodeRow(correction, 0, targets, row) >= 0
    this.#isCorrecting = false
    return isRow
  }

  /**
   * Decodes the line at `from` into row `row`. Returns the start of the next line, or −1 for a rejected or empty line.
   * This loop is the hottest in the project. Array reads beyond the end give undefined, which fails every comparison.
   */
  #decodeRow(bytes: Buffer, from: number, targets: readonly (Float64Array | undefined)[], row: number): number {
    const kinds = this.#kinds
    const positions = this.#layout.positions
    const last = kinds.length - 1
    let at = from
    for (let field = 0; field <= last; field++) {
      const kind = kinds[field] as number
      let next = bytes[at] as number
      if (kind > INSTANT || kind === SKIP) {
        const start = at
        at =
          kind === UNUSED && next === ZERO && (bytes[at + 1] as number) === NEWLINE
            ? at + 1
            : this.#decodeOther(bytes, start, field, kind, targets, row)
        if (at < 0) return this.#rejectField(bytes, from, start, fieldEnd(bytes, start), field, kind)
        next = bytes[at] as number
      } else {
        const start = at
        if (next === MINUS) next = bytes[++at] as number
        const digits = at
        let mantissa = 0
        let decimals = 0
        while (next >= ZERO && next <= NINE) {
          mantissa = mantissa * 10 + (next - ZERO)
          next = bytes[++at] as number
        }
        if (next === DOT && at > digits) {
          const dot = ++at
          next = bytes[at] as number
          while (next >= ZERO && next <= NINE) {
            mantissa = mantissa * 10 + (next - ZERO)
            next = bytes[++at] as number
          }
          decimals = at - dot
        }
        let value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] as number)
        const plain =
          (next === COMMA || next === NEWLINE || next === RETURN || at >= bytes.length) &&
          at > digits &&
          mantissa <= MAX_EXACT &&
          decimals <= 22
        if (!plain) {
          at = fieldEnd(bytes, at)
          next = bytes[at] as number
          value = slowDecimal(bytes, start, at)
          if (isOutOfRange(value, bytes, start, at)) return this.#rejectField(bytes, from, start, at, field, kind)
        }
        if (digits !== start) {
          if (plain) value = -value
          if (value < 0 && this.#nonNegative[field] === true) return this.#rejectField(bytes, from, start, at, field, kind)
        }
        if (kind === INSTANT) value = decimals === 0 ? this.#instant(value, field) : Number.NaN
        if (
          !(kind === LONG ? Number.isSafeInteger(value) : !Number.isNaN(value)) &&
          !(this.#optional[field] === true && isEmpty(bytes, start, at))
        )
          return this.#rejectField(bytes, from, start, at, field, kind)
        ;(targets[positions[field] as number] as Float64Array)[row] = value
      }
      if (field < last) {
        if (next !== COMMA) return this.#rejectCount(bytes, from)
        at++
      }
    }
    if (bytes[at] === RETURN) at++
    if (at < bytes.length && bytes[at] !== NEWLINE) return this.#rejectCount(bytes, from)
    if (this.#hasHours) {
      const times = targets[this.#options.eventTime] as Float64Array
      times[row] = (times[row] as number) + this.#hours * 3_600_000_000
    }
    return at + 1
  }

  /** Decodes or skips a field that is not a plain number. Returns the end of the field, or −1 if it is not valid for its kind. */
  #decodeOther(
    bytes: Buffer,
    start: number,
    field: number,
    kind: number,
    targets: readonly (Float64Array | undefined)[],
    row: number,
  ): number {
    const end = fieldEnd(bytes, start)
    if (kind === SKIP) {
      const symbol = this.#symbols[field]
      return symbol === undefined || bytes.toString('latin1', start, end).replaceAll('"', '') === symbol ? end : -1
    }
    if (kind === UNUSED) {
      if (end - start !== 1 || bytes[start] !== ZERO) this.evidence.unused++
      return end
    }
    const index = this.#layout.positions[field] as number
    const value = otherValue(bytes, start, end, kind, this.#optional[field] === true, this.#options.texts[index], this.#times)
    if (value === undefined) return -1
    if (kind === HOUR) this.#hours = value
    else (targets[index] as Float64Array)[row] = value
    return end
  }

  /** Converts to microseconds. The magnitude of each value shows its unit. */
  #instant(value: number, field: number): number {
    const event = this.#layout.positions[field] === this.#options.eventTime
    if (value >= MS_START && value < MS_END) {
      if (event) this.evidence.unitMs++
      return value * 1000
    }
    if (!(value >= PLAUSIBLE_TIME.start && value < PLAUSIBLE_TIME.end)) return Number.NaN
    if (event) this.evidence.unitUs++
    return value
  }

  /** A line with too few or too many fields is reported as such, whichever field failed first. */
  #rejectField(bytes: Buffer, lineStart: number, start: number, end: number, field: number, kind: number): number {
    const line = lineAt(bytes, lineStart)
    if (line.length === 0) return -1
    if (countCommas(line) !== this.#kinds.length - 1) return this.#rejectCount(bytes, lineStart)
    const column = this.#options.columns[this.#layout.positions[field] ?? 0]
    this.#reject(
      kind === SKIP ? 'FOREIGN_SYMBOL' : whyNone(bytes, start, end, kind, this.#nonNegative[field] === true),
      column?.name ?? column?.headers[0] ?? null,
      line,
    )
    return -1
  }

  #rejectCount(bytes: Buffer, lineStart: number): number {
    const line = lineAt(bytes, lineStart)
    if (line.length > 0) this.#reject('FIELD_COUNT', null, line)
    return -1
  }

  #reject(reason: RejectReason, column: string | null, text: Buffer): void {
    const correction = this.#isCorrecting || reason === 'LINE_TOO_LONG' ? undefined : this.#options.corrections.get(this.#line)
    if (correction !== undefined) {
      this.#correction = Buffer.from(correction)
      return
    }
    this.evidence.rejected++
    this.#options.onReject({ line: this.#line, column, reason, text: text.subarray(0, TEXT_LIMIT).toString('utf8') })
  }

  #skipLine(bytes: Buffer, at: number): number {
    this.#line++
    const end = bytes.indexOf(NEWLINE, at)
    return end < 0 ? bytes.length : end + 1
  }

  #observe(time: number, targets: readonly (Float64Array | undefined)[], row: number): void {
    const { evidence } = this
    if (evidence.first === undefined) {
      evidence.first = time
      if (evidence.lineEnd === 'none') evidence.lineEnd = this.#lineEnd()
      evidence.firstKey = this.#key.map((index) => targets[index]?.[row] ?? Number.NaN)
    } else if (time <= (evidence.last as number)) {
      if (time < (evidence.last as number)) evidence.sorted = false
      if (this.#isKeyedByTime) evidence.ascending = false
    }
    evidence.last = time
    if (this.#isKeyedByTime) this.#last[0] = time
    else this.#observeKey(targets, row)
  }

  /** A key with more columns than the event time. */
  #observeKey(targets: readonly (Float64Array | undefined)[], row: number): void {
    const last = this.#last
    const key = this.#key
    if (this.evidence.ascending && this.#hasKey) {
      let at = 0
      while (at < key.length - 1 && targets[key[at] as number]?.[row] === last[at]) at++
      if (!((targets[key[at] as number]?.[row] as number) > (last[at] as number))) this.evidence.ascending = false
    }
    for (let at = 0; at < key.length; at++) last[at] = targets[key[at] as number]?.[row] as number
    this.#hasKey = true
  }

  /** The evidence at the end of the file. */
  finish(): FileEvidence {
    this.evidence.lastKey = [...this.#last]
    return this.evidence
  }

  #lineEnd(): FileEvidence['lineEnd'] {
    const newline = this.#bytes.indexOf(NEWLINE, this.#at)
    if (newline < 0) return 'none'
    return this.#bytes[newline - 1] === RETURN ? 'crlf' : 'lf'
  }

  #countElsewhere(time: number): void {
    const start = this.#options.partitionStart(time)
    this.evidence.elsewhere.set(start, (this.evidence.elsewhere.get(start) ?? 0) + 1)
  }
}
