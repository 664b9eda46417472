import { bars, forgetting, indicator } from './indicator.ts'
import { directionalIndicator } from './kernels/trend.ts'

export const plusDi = indicator({
  id: 'plus_di',
  name: 'Plus directional indicator',
  meaning: "share of upward movement in the true range, 0–100, in Wilder's average",
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['plus_di'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib PLUS_DI (Wilder 1978)',
  create: ({ period }) => directionalIndicator(period, 0),
})
