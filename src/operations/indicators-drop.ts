import * as z from 'zod'
import { operation } from './contract.ts'

export const indicatorsDrop = operation({
  id: 'indicators.drop',
  summary: 'Remove a saved table of indicators from the lake',
  permission: 'write',
  input: z.strictObject({ name: z.string().min(1).describe('name of the table in gold') }),
  result: z.strictObject({ table: z.string() }),
  example: { name: 'example_features' },
  run: async (context, input) => {
    const name = input.name.replace(/^gold\./, '')
    const objectsDeleted = await (await context.lakehouse()).withGold(true, (gold) => gold.dropIndicators(name))
    return { status: 'done', counts: { objectsDeleted }, result: { table: `gold.${name}` } }
  },
})
