import * as z from 'zod'
import { LAYERS } from '../lake/layout.ts'
import { resolveAsOf } from './as-of.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { rowsFields, rowsResult } from './rows.ts'
import { asOf, boundTable } from './schemas.ts'

export const sql = z.string().min(1).describe('one read-only SQL statement')

/** Bounds of one query; by default those of the configuration. */
export const boundFields = {
  timeoutMs: z.number().int().min(1).optional().describe('longest time, milliseconds; by default query.timeoutSeconds'),
  memoryMb: z.number().int().min(256).optional().describe('memory of the process of the query; by default query.memoryMb'),
  spillMb: z.number().int().min(16).optional().describe('disk for intermediate results; by default query.spillMb'),
  maxRows: z.number().int().min(1).optional().describe('rows of the result; by default query.maxRows'),
}

/** The bounds that are set. */
export function given(bounds: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(bounds).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

export const query = operation({
  id: 'query',
  summary: 'Run a SQL statement over the lake (read only)',
  permission: 'read',
  input: z.strictObject({
    sql,
    asOf: asOf.optional(),
    layer: z.enum(LAYERS).optional().describe('layer of the tables that the statement names without a layer'),
    ...rowsFields,
    ...boundFields,
  }),
  result: rowsResult.extend({ tables: z.array(boundTable).optional() }),
  example: { sql: `SELECT symbol, count(*) AS rows FROM ${EXAMPLE.minutes} GROUP BY symbol` },
  run: async (context, { sql: statement, asOf, layer, format, output, ...bounds }) => {
    const lakehouse = await context.lakehouse()
    const isWritten = format !== undefined || output !== undefined
    const { rows, tables } = await lakehouse.queryIsolated({
      ...{ sql: statement, asOf: resolveAsOf(asOf), layer },
      result: isWritten ? (format ?? 'table') : 'rows',
      output: isWritten ? (output ?? context.output) : undefined,
      bounds: given(bounds),
    })
    return isWritten
      ? { status: 'done', counts: {}, result: { output: output ?? null, tables } }
      : { status: 'done', counts: {}, result: { items: [...rows] } }
  },
})
