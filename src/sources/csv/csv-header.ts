import { LakehouseError } from '../../core/errors.ts'
import type { CsvColumn } from './csv-column.ts'

/** The layout in the first bytes of a CSV: where the rows begin, and the index of the column at each position (-1: not a known column). */
export type CsvLayout = {
  readonly bom: boolean
  readonly header: readonly string[] | undefined
  readonly dataStart: number
  readonly dataLine: number
  readonly positions: readonly number[]
}

/**
 * Detects the layout of a CSV from its beginning. A byte order mark is skipped. A first line that begins with a letter is a header, which gives the order of the
 * columns. Without a header, columns have their published order. Throws CSV_HEADER_INVALID when a header lacks a required column.
 */
export function sniffLayout(bytes: Buffer, columns: readonly CsvColumn[], label: string): CsvLayout {
  const bom = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const start = bom ? 3 : 0
  const first = String.fromCharCode(bytes[start] ?? 0)
  if (!/[A-Za-z_"]/.test(first))
    return { bom, header: undefined, dataStart: start, dataLine: 1, positions: columns.map((_, index) => index) }
  const newline = bytes.indexOf(10, start)
  const end = newline < 0 ? bytes.length : newline
  const header = bytes
    .subarray(start, end)
    .toString('utf8')
    .split(',')
    .map((name) => name.trim().replaceAll('"', '').toLowerCase())
  const positions = header.map((name) => columns.findIndex((column) => column.headers.includes(name)))
  const lacking = columns.filter((column, index) => column.name !== undefined && !positions.includes(index))
  if (lacking.length > 0) {
    const names = lacking.map((column) => column.headers[0]).join(', ')
    throw new LakehouseError(
      'CSV_HEADER_INVALID',
      `the CSV header of ${label} lacks ${names}: the object is quarantined, see \`quarantine\``,
      { details: { file: label, lacking: names } },
    )
  }
  return { bom, header, dataStart: newline < 0 ? bytes.length : newline + 1, dataLine: 2, positions }
}
