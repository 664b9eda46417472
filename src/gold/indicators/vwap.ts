import { US_PER_DAY } from '../../core/time.ts'
import { indicator } from './indicator.ts'
import { anchored } from './kernels/vwap.ts'

export const vwap = indicator({
  id: 'vwap',
  name: 'Volume-weighted average price of the session',
  meaning: 'typical price weighted by volume since 00:00 UTC; null until the first trade',
  parameters: {},
  inputs: ['time', 'high', 'low', 'close', 'volume'],
  outputs: ['vwap'],
  lookback: () => 0,
  reference: 'Berkowitz, Logue, Noser 1988, over typical prices',
  create: () => anchored((time) => Math.floor(time / US_PER_DAY)),
})
