import * as z from 'zod'
import { findIndicator } from '../gold/indicators/indicator-spec.ts'
import { operation } from './contract.ts'

const parameter = z.looseObject({ default: z.number(), min: z.number(), max: z.number(), meaning: z.string() })

const described = z.strictObject({
  id: z.string(),
  name: z.string(),
  meaning: z.string(),
  inputs: z.array(z.string()).readonly(),
  outputs: z.array(z.string()).readonly(),
  parameters: z.record(z.string(), parameter).readonly(),
  lookback: z.number().describe('number of rows before the first value, with the default parameters'),
  unstable: z
    .number()
    .nullable()
    .describe('number of rows after which the start of the series no longer matters; null when it always matters'),
  reference: z.string(),
})

export const indicatorsDescribe = operation({
  id: 'indicators.describe',
  summary: 'Describe an indicator: meaning, inputs, parameters, warm-up and source of the formula',
  permission: 'read',
  input: z.strictObject({ id: z.string().min(1) }),
  result: z.strictObject({ item: described }),
  example: { id: 'macd' },
  run: async (_context, input) => {
    const found = findIndicator(input.id)
    const defaults = Object.fromEntries(Object.entries(found.parameters).map(([key, one]) => [key, one.default]))
    const { id, name, meaning, inputs, outputs, parameters, reference } = found
    const unstable = found.unstable(defaults)
    const lookback = found.lookback(defaults)
    const item = { id, name, meaning, inputs, outputs, parameters: { ...parameters }, lookback, reference }
    return { status: 'done', counts: {}, result: { item: { ...item, unstable: Number.isFinite(unstable) ? unstable : null } } }
  },
})
