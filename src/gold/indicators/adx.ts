import { bars, forgetting, indicator } from './indicator.ts'
import { averageDirectionalIndex } from './kernels/trend.ts'

export const adx = indicator({
  id: 'adx',
  name: 'Average directional movement index',
  meaning: "Wilder's average of the directional movement index, 0–100: the strength of a trend in either direction",
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['adx'],
  lookback: ({ period }) => 2 * period - 1,
  unstable: ({ period }) => 2 * forgetting(1 - 1 / period),
  reference: 'TA-Lib ADX (Wilder 1978)',
  create: ({ period }) => averageDirectionalIndex(period),
})
