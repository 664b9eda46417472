import { bars, forgetting, indicator } from './indicator.ts'
import { exponential, ema as kernel } from './kernels/averages.ts'

export const ema = indicator({
  id: 'ema',
  name: 'Exponential moving average',
  meaning: 'exponential average of closes; the newest close has the weight 2 / (period + 1)',
  parameters: {
    period: bars(20),
    seed: { default: 0, min: 0, max: 1, integer: true, meaning: 'start value: 0 the mean of the first period closes, 1 the first close' },
  },
  inputs: ['close'],
  outputs: ['ema'],
  lookback: ({ period, seed }) => (seed === 1 ? 0 : period - 1),
  unstable: ({ period }) => forgetting(1 - 2 / (period + 1)),
  reference: 'TA-Lib EMA (seed 0: classic; seed 1: Metastock, without its warm-up)',
  create: ({ period, seed }) => (seed === 1 ? exponential(1, 2 / (period + 1)) : kernel(period)),
})
