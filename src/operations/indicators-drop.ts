import * as z from 'zod'
import { operation } from './contract.ts'

export const indicatorsDrop = operation({
  id: 'indicators.drop',
  summary: 'Take a saved table of indicators out of the lake',
  permission: 'write',
  input: z.strictObject({ name: z.string().min(1).describe('of the table in gold') }),
  result: z.strictObject({ table: z.string() }),
  example: { name: 'example_features' },
  run: async (context, input) => {
    const name = input.name.replace(/^gold\./, '')
    const objectsDeleted = await (await context.lakehouse()).withGold(true, (gold) => gold.dropIndicators(name))
    return { status: 'done', counts: { objectsDeleted }, result: { table: `gold.${name}` } }
  },
})
