import * as z from 'zod'
import { AGGREGATIONS } from '../gold/aggregations/registry.ts'
import { operation } from './contract.ts'
import { nothing } from './schemas.ts'

const aggregate = z.strictObject({
  id: z.string(),
  meaning: z.string(),
  inputs: z.array(z.string()),
  options: z.record(z.string(), z.number()).readonly(),
})

export const reportList = operation({
  id: 'report.list',
  summary: 'List the aggregates that can be computed for a market',
  permission: 'read',
  input: nothing,
  result: z.strictObject({ items: z.array(aggregate) }),
  example: {},
  run: async () => {
    const items = AGGREGATIONS.map(({ id, meaning, inputs, options }) => ({ id, meaning, inputs: Object.values<string>(inputs), options }))
    return { status: 'done', counts: { aggregates: items.length }, result: { items } }
  },
})
