import { bars, forgetting, indicator } from './indicator.ts'
import { rsi as kernel } from './kernels/strength.ts'

export const rsi = indicator({
  id: 'rsi',
  name: 'Relative strength index',
  meaning: "share of the rises in all moves of the closes, in Wilder's average, 0–100; 0 when nothing moves",
  parameters: { period: bars(14, 2) },
  inputs: ['close'],
  outputs: ['rsi'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib RSI (Wilder 1978)',
  create: ({ period }) => kernel(period),
})
