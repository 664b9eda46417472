import { bars, indicator } from './indicator.ts'
import { wma as kernel } from './kernels/averages.ts'

export const wma = indicator({
  id: 'wma',
  name: 'Weighted moving average',
  meaning: 'mean of the last closes with the weights 1, 2, … period',
  parameters: { period: bars(20) },
  inputs: ['close'],
  outputs: ['wma'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib WMA',
  create: ({ period }) => kernel(period),
})
