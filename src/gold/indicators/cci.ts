import { bars, indicator, scratch } from './indicator.ts'
import { typicalPrices } from './kernels/bars.ts'

export const cci = indicator({
  id: 'cci',
  name: 'Commodity channel index',
  meaning: 'distance of the typical price from its mean, in units of 0.015 mean deviations; 0 when the deviation is 0',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['cci'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib CCI (Lambert 1980)',
  create: ({ period }) => {
    const own = new Float64Array(2)
    const ring = new Float64Array(period)
    const [prices] = scratch(1) as [Float64Array]
    return {
      memory: [own, ring],
      run([high, low, close], [output], rows) {
        typicalPrices(high as Float64Array, low as Float64Array, close as Float64Array, prices, rows)
        const y = output as Float64Array
        let count = (own[0] as number) | 0
        let at = (own[1] as number) | 0
        for (let row = 0; row < rows; row++) {
          const price = prices[row] as number
          ring[at] = price
          if (++at === period) at = 0
          if (count < period) count++
          if (count < period) {
            y[row] = Number.NaN
            continue
          }
          let sum = 0
          for (let index = 0; index < period; index++) sum += ring[index] as number
          const mean = sum / period
          let deviations = 0
          for (let index = 0; index < period; index++) deviations += Math.abs((ring[index] as number) - mean)
          const distance = price - mean
          y[row] = deviations <= 1e-12 * period * Math.abs(mean) ? 0 : distance / ((0.015 * deviations) / period)
        }
        own[0] = count
        own[1] = at
      },
    }
  },
})
