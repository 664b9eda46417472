import { bars, indicator } from './indicator.ts'
import { sma as kernel } from './kernels/averages.ts'

export const sma = indicator({
  id: 'sma',
  name: 'Simple moving average',
  meaning: 'mean of the last closes',
  parameters: { period: bars(20) },
  inputs: ['close'],
  outputs: ['sma'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib SMA',
  create: ({ period }) => kernel(period),
})
