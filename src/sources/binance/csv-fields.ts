import type { CsvColumn } from '../../core/datasets/contract.ts'
import { PLAUSIBLE_TIME, parseInstant } from '../../core/time.ts'
import type { TextPool } from '../../platform/duckdb/text-pool.ts'

export const SKIP = 0
const DOUBLE = 1
export const LONG = 2
export const INSTANT = 3
/** What follows is no plain number. */
export const TEXT = 4
export const BOOLEAN = 5
export const DATETIME = 6
export const DAY = 7
export const HOUR = 8
/** Means nothing, and should be 0. */
export const UNUSED = 9

export const COMMA = 44
export const MINUS = 45
const QUOTE = 34
export const NEWLINE = 10
export const RETURN = 13

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

export function kindOf(column: CsvColumn | undefined): number {
  if (column?.headers[0] === 'ignore') return UNUSED
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

/** Nothing, or nothing between quotes. */
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

/** Any decimal notation, correctly rounded; NaN when the text is none, or overflows a double. */
export function slowDecimal(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString('latin1', start, end)
  if (!DECIMAL.test(text)) return Number.NaN
  const value = Number(text)
  return Number.isFinite(value) ? value : Number.NaN
}

export function lineAt(bytes: Buffer, start: number): Buffer {
  const end = bytes.indexOf(NEWLINE, start)
  const line = bytes.subarray(start, end < 0 ? bytes.length : end)
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

/** A field that is no plain number: the code of its text, 0 or 1, an instant, hours; NaN where it is rightly empty, undefined where it is none. */
export function otherValue(
  bytes: Buffer,
  start: number,
  end: number,
  kind: number,
  optional: boolean,
  texts: TextPool | undefined,
): number | undefined {
  if (isEmpty(bytes, start, end)) return optional ? Number.NaN : undefined
  if (kind === BOOLEAN) return booleanAt(bytes, start, end)
  const isQuoted = bytes[start] === QUOTE && bytes[end - 1] === QUOTE
  const text = isQuoted ? bytes.toString('utf8', start + 1, end - 1) : bytes.toString('utf8', start, end)
  switch (kind) {
    case TEXT:
      return texts?.codeOf(text)
    case HOUR:
      return /^\d{1,2}$/.test(text) && Number(text) < 24 ? Number(text) : undefined
    default:
      return (kind === DAY ? DAY_TEXT : DATETIME_TEXT).test(text) ? plausible(parseInstant(text)) : undefined
  }
}

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')

/** 1 and 0 for true and false in any case; from the bytes, because trades have one in every row. */
function booleanAt(bytes: Buffer, start: number, end: number): number | undefined {
  const word = end - start === 4 ? TRUE : FALSE
  if (end - start !== word.length) return undefined
  for (let at = 0; at < word.length; at++) if (((bytes[start + at] as number) | 0x20) !== word[at]) return undefined
  return word === TRUE ? 1 : 0
}

const DAY_TEXT = /^\d{4}-\d\d-\d\d$/
const DATETIME_TEXT = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?$/

function plausible(us: number | undefined): number | undefined {
  return us !== undefined && us >= PLAUSIBLE_TIME.start && us < PLAUSIBLE_TIME.end ? us : undefined
}
