import { indicator } from './indicator.ts'
import { anchored } from './kernels/vwap.ts'

export const anchoredVwap = indicator({
  id: 'anchored_vwap',
  name: 'Anchored volume-weighted average price',
  meaning: 'typical price weighted by volume since an instant; null before it',
  parameters: { anchor: { default: 0, min: 0, max: 4_102_444_800, integer: true, meaning: 'seconds since 1970' } },
  inputs: ['time', 'high', 'low', 'close', 'volume'],
  outputs: ['anchored_vwap'],
  lookback: () => 0,
  reference: 'as vwap, from one anchor (Shannon)',
  create: ({ anchor }) => anchored((time) => (time >= anchor * 1e6 ? 1 : 0), 1),
})
