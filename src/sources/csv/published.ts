import type { Column, Role } from '../../datasets/contract.ts'
import type { CsvColumn, FieldType } from './csv-column.ts'

/** A published column: its silver column (by name or role), and the spellings of its header if they differ from the name. */
export type Published =
  | string
  | { readonly role: Role; readonly headers?: readonly string[]; readonly as?: FieldType }
  | { readonly name: string; readonly headers: readonly string[] }
  /** Whole hours to add to the event time. */
  | { readonly hours: string }
  /** A column without information: it repeats the file name, or counts something meaningless. */
  | { readonly passed: string }
  /** A column that repeats the symbol of the file. */
  | { readonly symbol: string }
  /** An unused column, which should be 0. */
  | { readonly unused: string }

/** The columns of a CSV in their published order, without those that a market does not publish. */
export function csvColumns(layout: readonly Published[], columns: readonly Column[]): CsvColumn[] {
  return layout.flatMap((published) => csvColumn(published, columns))
}

function csvColumn(published: Published, columns: readonly Column[]): CsvColumn[] {
  if (typeof published === 'string') return named(columns.find(({ name }) => name === published))
  if ('hours' in published) return [{ name: undefined, type: 'hour', headers: [published.hours] }]
  if ('passed' in published) return [{ name: undefined, type: 'string', headers: [published.passed] }]
  if ('symbol' in published) return [{ name: undefined, type: 'string', headers: [published.symbol], isSymbol: true }]
  if ('unused' in published) return [{ name: undefined, type: 'string', headers: [published.unused], unused: true }]
  if ('name' in published)
    return named(
      columns.find(({ name }) => name === published.name),
      published,
    )
  return named(
    columns.find(({ roles }) => roles.includes(published.role)),
    published,
  )
}

function named(
  column: Column | undefined,
  { headers, as }: { readonly headers?: readonly string[]; readonly as?: FieldType } = {},
): CsvColumn[] {
  if (column === undefined) return []
  const { name, type, optional } = column
  return [{ name, type: as ?? type, headers: headers ?? [name], ...(optional === undefined ? {} : { optional }) }]
}
