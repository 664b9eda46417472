import * as z from 'zod'
import { INDICATORS } from '../gold/indicators/registry.ts'
import { operation } from './contract.ts'
import { nothing } from './schemas.ts'

const listed = z.strictObject({
  id: z.string(),
  name: z.string(),
  parameters: z.string().describe('parameters with their defaults'),
  outputs: z.array(z.string()).readonly(),
  meaning: z.string(),
})

export const indicatorsList = operation({
  id: 'indicators.list',
  summary: 'List every indicator with its parameters and outputs',
  permission: 'read',
  input: nothing,
  result: z.strictObject({ items: z.array(listed) }),
  example: {},
  run: async () => {
    const items = INDICATORS.map(({ id, name, parameters, outputs, meaning }) => {
      const defaults = Object.entries(parameters).map(([key, parameter]) => `${key} ${parameter.default}`)
      return { id, name, parameters: defaults.join(', '), outputs, meaning }
    })
    return { status: 'done', counts: { indicators: items.length }, result: { items } }
  },
})
