import { quoteName } from '../../platform/duckdb/session.ts'

/** Types whose values a person or JSON takes as they are. */
const PLAIN = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|VARCHAR|BOOLEAN)$/

/** SQL that gives every column of `relation` in a form that loses nothing when it is shown: instants in ISO 8601 to the microsecond, dates and all else as text. */
export function displaySelect(relation: string, columns: readonly { name: string; type: string }[]): string {
  const shown = columns.map(({ name, type }) => {
    const column = quoteName(name)
    if (PLAIN.test(type)) return column
    if (type === 'TIMESTAMP WITH TIME ZONE')
      return `rtrim(rtrim(strftime(${column}, '%Y-%m-%dT%H:%M:%S.%f'), '0'), '.') || 'Z' AS ${column}`
    return `${column}::VARCHAR AS ${column}`
  })
  return `SELECT ${shown.join(', ')} FROM ${relation}`
}

/** A 64-bit integer as JSON carries it: a number where that is exact, else text. */
export function jsonNumber(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** A decimal as JSON carries it: a number where that prints the same digits, else text. */
export function exactDecimal(text: string): number | string {
  const number = Number(text)
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return String(number) === plain || (number === 0 && /^-?0*$/.test(plain.replace('.', ''))) ? number : text
}

/** SQL of the result for a file format that would lose something: JSON has no NaN and no infinities, which become null; Parquet has no 128-bit integers, which become decimals. */
export function exactSelect(format: string, columns: readonly { name: string; type: string }[]): string {
  const shown = columns.map(({ name, type }) => {
    const column = quoteName(name)
    if (/json$/.test(format) && /^(FLOAT|DOUBLE)$/.test(type)) return `CASE WHEN isfinite(${column}) THEN ${column} END AS ${column}`
    if (format === 'parquet' && /^U?HUGEINT$/.test(type)) return `${column}::DECIMAL(38, 0) AS ${column}`
    return column
  })
  return `SELECT ${shown.join(', ')} FROM result`
}
