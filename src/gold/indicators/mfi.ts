import { bars, indicator } from './indicator.ts'

/**
 * Sums of three prices that are equal as decimals can differ by this share as doubles: each has at most three roundings. Other sums of prices with 8 decimals differ by
 * more up to 15 million.
 */
const SAME_PRICE = 6 * 2 ** -53

export const mfi = indicator({
  id: 'mfi',
  name: 'Money flow index',
  meaning: 'share of the money flow while the typical price rose, 0–100; 0 when less than one unit flowed',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close', 'volume'],
  outputs: ['mfi'],
  lookback: ({ period }) => period,
  reference: 'TA-Lib MFI (Quong, Soudack 1989), but typical prices that are equal as decimals are equal',
  create: ({ period }) => {
    const own = new Float64Array(5)
    // Inflows are positive, outflows negative.
    const ring = new Float64Array(period)
    return {
      memory: [own, ring],
      run(inputs, outputs, rows) {
        const [high, low, close, volume] = inputs as unknown as [Float64Array, Float64Array, Float64Array, Float64Array]
        const y = outputs[0] as Float64Array
        const size = period | 0
        let count = (own[0] as number) | 0
        let at = (own[1] as number) | 0
        let last = own[2] as number
        let gained = own[3] as number
        let lost = own[4] as number
        for (let row = 0; row < rows; row++) {
          const price = (high[row] as number) + (low[row] as number) + (close[row] as number)
          if (count > 0) {
            const change = price - last
            const direction = Math.abs(change) <= SAME_PRICE * price ? 0 : Math.sign(change)
            const flow = (direction * price * (volume[row] as number)) / 3
            const old = ring[at] as number
            const flowed = Math.abs(flow)
            const left = Math.abs(old)
            // Either the inflow or the outflow is 0. This avoids a branch that the processor would mispredict half of the time.
            gained += (flowed + flow - (left + old)) * 0.5
            lost += (flowed - flow - (left - old)) * 0.5
            ring[at] = flow
            if (++at === size) at = 0
          }
          last = price
          const all = gained + lost
          y[row] = count < size ? Number.NaN : all < 1 ? 0 : (100 * gained) / all
          if (count < size) count++
        }
        own[0] = count
        own[1] = at
        own[2] = last
        own[3] = gained
        own[4] = lost
      },
    }
  },
})
