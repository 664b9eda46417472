import { bars, forgetting, indicator } from './indicator.ts'
import { directionalIndicator } from './kernels/trend.ts'

export const minusDi = indicator({
  id: 'minus_di',
  name: 'Minus directional indicator',
  meaning: "share of downward movement in the true range, 0–100, in Wilder's average",
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['minus_di'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib MINUS_DI (Wilder 1978)',
  create: ({ period }) => directionalIndicator(period, 1),
})
