import { bars, forgetting, indicator } from './indicator.ts'
import { directionalIndex } from './kernels/trend.ts'

export const dx = indicator({
  id: 'dx',
  name: 'Directional movement index',
  meaning: 'how much movement goes one way, 0–100; where there is none, as before',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['dx'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib DX (Wilder 1978)',
  create: ({ period }) => directionalIndex(period),
})
