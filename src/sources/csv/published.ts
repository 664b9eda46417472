import type { Column, Role } from '../../datasets/contract.ts'
import type { CsvColumn, FieldType } from './csv-column.ts'

/** A published column: the silver column that it becomes, found by name or role, and the spellings of its header where they differ from the name. */
export type Published =
  | string
  | { readonly role: Role; readonly headers?: readonly string[]; readonly as?: FieldType }
  | { readonly name: string; readonly headers: readonly string[] }
  /** Whole hours that are added to the event time. */
  | { readonly hours: string }
  /** Repeats what the file's name says, or counts something that means nothing. */
  | { readonly passed: string }
  /** Means nothing, and should be 0. */
  | { readonly unused: string }

/** The columns of a CSV in their published order; those that a market does not publish are left out. */
export function csvColumns(layout: readonly Published[], columns: readonly Column[]): CsvColumn[] {
  return layout.flatMap((published) => csvColumn(published, columns))
}

function csvColumn(published: Published, columns: readonly Column[]): CsvColumn[] {
  if (typeof published === 'string') return named(columns.find(({ name }) => name === published))
  if ('hours' in published) return [{ name: undefined, type: 'hour', headers: [published.hours] }]
  if ('passed' in published) return [{ name: undefined, type: 'string', headers: [published.passed] }]
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
