import { PLAUSIBLE_TIME, parseInstant } from '../../core/time.ts'
import type { TextPool } from '../../platform/duckdb/text-pool.ts'
import type { CsvColumn } from './csv-column.ts'
import type { RejectReason } from './file-evidence.ts'

export const SKIP = 0
const DOUBLE = 1
export const LONG = 2
export const INSTANT = 3
/** The kinds from here on are not plain numbers. */
const TEXT = 4
const BOOLEAN = 5
const DATETIME = 6
const DAY = 7
export const HOUR = 8
/** An unused field, which should be 0. */
export const UNUSED = 9

export const COMMA = 44
export const MINUS = 45
export const DOT = 46
export const ZERO = 48
export const NINE = 57
const QUOTE = 34
const SPACE = 32
const COLON = 58
const T = 84
export const NEWLINE = 10
export const RETURN = 13

export const MAX_EXACT = Number.MAX_SAFE_INTEGER
/** Powers of ten that a double represents exactly, so that mantissa / 10^k is a single, correctly rounded division. */
export const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

export function kindOf(column: CsvColumn | undefined): number {
  if (column?.unused === true) return UNUSED
  if (column === undefined || (column.name === undefined && column.type !== 'hour')) return SKIP
  return KINDS[column.type]
}

const KINDS = {
  double: DOUBLE,
  long: LONG,
  instant: INSTANT,
  string: TEXT,
  boolean: BOOLEAN,
  datetime: DATETIME,
  day: DAY,
  hour: HOUR,
} as const satisfies Record<CsvColumn['type'], number>

/** Whether the field is empty, with or without quotes. */
export function isEmpty(bytes: Buffer, start: number, end: number): boolean {
  return end === start || (end === start + 2 && bytes[start] === QUOTE && bytes[start + 1] === QUOTE)
}

export function countCommas(line: Buffer): number {
  let commas = 0
  for (const byte of line) if (byte === COMMA) commas++
  return commas
}

export function fieldEnd(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== NEWLINE) at++
  return at > from && bytes[at] === NEWLINE && bytes[at - 1] === RETURN ? at - 1 : at
}

/** A number in any decimal notation, correctly rounded. NaN if the text is not a number or overflows a double. */
export function slowDecimal(bytes: Buffer, start: number, end: number): number {
  const unpadded = unpaddedDecimal(bytes, start, end)
  if (!Number.isNaN(unpadded)) return unpadded
  const text = bytes.toString('latin1', start, end)
  if (!DECIMAL.test(text)) return Number.NaN
  const value = Number(text)
  return Number.isFinite(value) ? value : Number.NaN
}

/** Parses a number such as 681319717.82160000 without its trailing zeros, if a double can hold the other digits; NaN for any other text. */
function unpaddedDecimal(bytes: Buffer, start: number, end: number): number {
  let last = end
  while (last > start && bytes[last - 1] === ZERO) last--
  const digits = bytes[start] === MINUS ? start + 1 : start
  let mantissa = 0
  let dot = -1
  for (let at = digits; at < last; at++) {
    const byte = bytes[at] as number
    if (byte === DOT && dot < 0) dot = at
    else if (byte >= ZERO && byte <= NINE) mantissa = mantissa * 10 + (byte - ZERO)
    else return Number.NaN
  }
  if (dot <= digits || mantissa > MAX_EXACT || last - dot > POWERS.length) return Number.NaN
  const value = mantissa / (POWERS[last - dot - 1] as number)
  return digits === start ? value : -value
}

export function lineAt(bytes: Buffer, start: number): Buffer {
  const end = bytes.indexOf(NEWLINE, start)
  const line = bytes.subarray(start, end < 0 ? bytes.length : end)
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

/** A field that is not a plain number: the code of its text, 0 or 1, an instant, or hours. NaN if it may be empty and is; undefined if it is invalid. */
export function otherValue(
  bytes: Buffer,
  start: number,
  end: number,
  kind: number,
  optional: boolean,
  texts: TextPool | undefined,
  times: TimeReader,
): number | undefined {
  if (isEmpty(bytes, start, end)) return optional ? Number.NaN : undefined
  if (kind === BOOLEAN) return booleanAt(bytes, start, end)
  const quote = bytes[start] === QUOTE && bytes[end - 1] === QUOTE ? 1 : 0
  const [from, to] = [start + quote, end - quote]
  if (kind === DAY) return to - from === DAY_LENGTH ? plausible(times.dayAt(bytes, from)) : undefined
  if (kind === DATETIME) return plausible(times.dateTimeAt(bytes, from, to))
  const text = bytes.toString('utf8', from, to)
  if (kind === TEXT) return texts?.codeOf(text)
  return /^\d{1,2}$/.test(text) && Number(text) < 24 ? Number(text) : undefined
}

/** Values of this size and more are not published: prices and amounts end far below. */
const LARGEST = 1e18

/** Whether a value in exponents or with many digits is beyond what exchanges publish, or so small that a double makes it zero. */
export function isOutOfRange(value: number, bytes: Buffer, start: number, end: number): boolean {
  if (value === 0) return /[1-9]/.test(bytes.toString('latin1', start, end).split(/e/i)[0] ?? '')
  return Math.abs(value) >= LARGEST
}

/** Why a field is not valid for its kind. */
export function whyNone(bytes: Buffer, start: number, end: number, kind: number, isNonNegative: boolean): RejectReason {
  if (kind >= TEXT && isEmpty(bytes, start, end)) return 'EMPTY'
  if (kind === BOOLEAN) return 'NOT_A_BOOLEAN'
  if (kind === DATETIME || kind === DAY || kind === HOUR) return 'NOT_A_TIME'
  if (kind >= TEXT || Number.isNaN(slowDecimal(bytes, start, end))) return 'NOT_A_NUMBER'
  const value = slowDecimal(bytes, start, end)
  if (isOutOfRange(value, bytes, start, end) || (value < 0 && isNonNegative)) return 'OUT_OF_RANGE'
  const isInstant = kind === INSTANT && /^\d+$/.test(bytes.toString('latin1', start, end))
  return isInstant ? 'TIME_IMPLAUSIBLE' : 'NOT_AN_INTEGER'
}

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')

/** 1 or 0 for true or false, in upper or lower case. It reads bytes, because trades have such a field in every row. */
function booleanAt(bytes: Buffer, start: number, end: number): number | undefined {
  const word = end - start === 4 ? TRUE : FALSE
  if (end - start !== word.length) return undefined
  for (let at = 0; at < word.length; at++) if (((bytes[start + at] as number) | 0x20) !== word[at]) return undefined
  return word === TRUE ? 1 : 0
}

const DAY_LENGTH = 10
const SECONDS_LENGTH = 19

/** Reads times from bytes, because some types have one in every row. Most are on the same day as the time before. */
export class TimeReader {
  #day = Number.NaN
  #dayStart = Number.NaN

  /** The instant of 2024-01-31 12:00:00, also with a T and up to six decimals; NaN for any other text. */
  dateTimeAt(bytes: Buffer, start: number, end: number): number {
    const between = bytes[start + DAY_LENGTH]
    const hour = digitsAt(bytes, start + 11, 2)
    const minute = digitsAt(bytes, start + 14, 2)
    const second = digitsAt(bytes, start + 17, 2)
    const decimals = end - start - SECONDS_LENGTH - 1
    const isWhole = decimals === -1 || (decimals >= 1 && decimals <= 6 && bytes[start + SECONDS_LENGTH] === DOT)
    if (!isWhole || (between !== SPACE && between !== T) || bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return Number.NaN
    if (!(hour < 24 && minute < 60 && second < 60)) return Number.NaN
    const micros = decimals === -1 ? 0 : digitsAt(bytes, start + SECONDS_LENGTH + 1, decimals) * 10 ** (6 - decimals)
    return this.dayAt(bytes, start) + ((hour * 60 + minute) * 60 + second) * 1e6 + micros
  }

  /** µs of 2024-01-31; NaN if the date does not exist. */
  dayAt(bytes: Buffer, start: number): number {
    if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS) return Number.NaN
    const day = (digitsAt(bytes, start, 4) * 100 + digitsAt(bytes, start + 5, 2)) * 100 + digitsAt(bytes, start + 8, 2)
    if (day !== this.#day) {
      this.#day = day
      this.#dayStart = parseInstant(bytes.toString('latin1', start, start + DAY_LENGTH)) ?? Number.NaN
    }
    return this.#dayStart
  }
}

/** A number with the given count of digits; NaN if one character is not a digit. */
function digitsAt(bytes: Buffer, start: number, count: number): number {
  let value = 0
  for (let at = start; at < start + count; at++) {
    const byte = bytes[at] as number
    value = byte >= ZERO && byte <= NINE ? value * 10 + (byte - ZERO) : Number.NaN
  }
  return value
}

function plausible(us: number): number | undefined {
  return us >= PLAUSIBLE_TIME.start && us < PLAUSIBLE_TIME.end ? us : undefined
}
