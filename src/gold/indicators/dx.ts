import { bars, forgetting, indicator } from './indicator.ts'
import { directionalIndex } from './kernels/trend.ts'

export const dx = indicator({
  id: 'dx',
  name: 'Directional movement index',
  meaning: 'share of movement in one direction, 0–100; repeats the previous value when there is no movement',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['dx'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib DX (Wilder 1978)',
  create: ({ period }) => directionalIndex(period),
})
