import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { RESULT_FORMATS } from '../query/run-query.ts'
import type { OperationContext, Outcome } from './contract.ts'
import { place, row } from './schemas.ts'

/** How an operation returns rows: as items of the result, or written in a format while they are computed. */
export const rowsFields = {
  format: z.enum(RESULT_FORMATS).optional().describe('writes the rows in this format; without it the result lists at most 100,000 items'),
  output: place('write', 'a file to write the rows to').optional(),
}

export const rowsResult = z.strictObject({ items: z.array(row).optional(), output: z.string().nullable().optional() })

type RowsInput = { readonly format?: (typeof RESULT_FORMATS)[number] | undefined; readonly output?: string | undefined }

/** Returns the rows of a statement as items, or writes them. Throws QUERY_FAILED when there are too many items. */
export async function rowsOf(
  context: OperationContext,
  sql: string,
  { format, output }: RowsInput,
): Promise<Outcome<z.output<typeof rowsResult>>> {
  const lakehouse = await context.lakehouse()
  if (format === undefined && output === undefined) {
    const items = await lakehouse.show(sql, undefined)
    return { status: 'done', counts: { rows: items.length }, result: { items } }
  }
  await lakehouse.query(sql, { format: format ?? 'table', output: output ?? context.output, asOf: undefined })
  return { status: 'done', counts: {}, result: { output: output ?? null } }
}

/** Throws ROW_NOT_FOUND when a table has no row of the symbols (* and ? are wildcards): an empty result would look like an answer. */
export async function requireSymbols(context: OperationContext, table: string, symbols: string | undefined): Promise<void> {
  if (symbols === undefined) return
  const fits = symbols.split(',').map((one) => (/[*?[]/.test(one) ? `symbol GLOB ${quote(one.trim())}` : `symbol = ${quote(one.trim())}`))
  const name = table.split('.').map(quoteName).join('.')
  const found = await (await context.lakehouse()).select(`SELECT 1 FROM ${name} WHERE ${fits.join(' OR ')} LIMIT 1`)
  if (found.length === 0)
    throw new LakehouseError(
      'ROW_NOT_FOUND',
      `${table} has no rows of ${symbols}: run crypto-lakehouse query "SELECT DISTINCT symbol FROM ${table}" to list its symbols`,
      { details: { table, symbols } },
    )
}
