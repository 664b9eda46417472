import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { parseInstant } from '../core/time.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { row, table } from './schemas.ts'

const origin = z.strictObject({
  row: row.readonly(),
  source: z.string(),
  object: z.string(),
  sha256: z.string().nullable(),
  revision: z.number(),
  revisions: z.number(),
  line: z.number().nullable(),
  text: z.string().nullable(),
  dataFile: z.string(),
  conflicts: z
    .array(z.strictObject({ object: z.string(), row: row.readonly() }))
    .readonly()
    .describe('rows with the same key and other values, which were dropped'),
})

export const explainRow = operation({
  id: 'explain-row',
  summary: 'Trace a row to its source: object, revision, line and text',
  permission: 'read',
  input: z.strictObject({
    table,
    symbol: z.string().min(1),
    at: z.string().describe('the event time of the row, ISO 8601 UTC'),
    id: z.string().optional().describe('the id of the row, when several rows have that time'),
  }),
  result: z.strictObject({ items: z.array(origin) }),
  example: { table: EXAMPLE.minutes, symbol: EXAMPLE.symbol, at: '2024-01-03T12:00:00Z' },
  run: async (context, input) => {
    const at = parseInstant(input.at)
    if (at === undefined)
      throw new LakehouseError('USAGE', `at "${input.at}" is not a time: write YYYY-MM-DD or ISO 8601`, { details: { at: input.at } })
    const chosen = { symbol: input.symbol, at, id: input.id }
    const items = await (await context.lakehouse()).withQuality(false, (quality) => quality.explainRow(input.table, chosen))
    return { status: 'done', counts: { rows: items.length }, result: { items } }
  },
})
