import { bars, forgetting, indicator } from './indicator.ts'
import { averageTrueRange } from './kernels/bars.ts'

export const atr = indicator({
  id: 'atr',
  name: 'Average true range',
  meaning: "Wilder's average of the true range, which includes the distance from the previous close",
  parameters: { period: bars(14) },
  inputs: ['high', 'low', 'close'],
  outputs: ['atr'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib ATR (Wilder 1978); the first bar has no true range',
  create: ({ period }) => averageTrueRange(period),
})
