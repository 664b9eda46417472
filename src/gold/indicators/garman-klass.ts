import { bars, factor, indicator, scratch } from './indicator.ts'
import { windowSum } from './kernels/windows.ts'

export const garmanKlass = indicator({
  id: 'garman_klass',
  name: 'Garman–Klass volatility',
  meaning: 'volatility from open, high, low and close of each bar',
  parameters: { period: bars(20), year: factor(1, 'bars of a year, to annualise; 1: per bar', 1, 1e9) },
  inputs: ['open', 'high', 'low', 'close'],
  outputs: ['garman_klass'],
  lookback: ({ period }) => period - 1,
  reference: 'Garman, Klass 1980, equation 20',
  create: ({ period, year }) => {
    const kernel = windowSum(period)
    const [squares] = scratch(1) as [Float64Array]
    return {
      memory: kernel.memory,
      run([opens, highs, lows, closes], [output], rows) {
        const [open, high, low, close, y] = [opens, highs, lows, closes, output] as [
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
        ]
        for (let row = 0; row < rows; row++) {
          const range = Math.log((high[row] as number) / (low[row] as number))
          const move = Math.log((close[row] as number) / (open[row] as number))
          squares[row] = 0.5 * range * range - (2 * Math.LN2 - 1) * move * move
        }
        kernel.run([squares], [y], rows)
        for (let row = 0; row < rows; row++) y[row] = Math.sqrt((Math.max(0, y[row] as number) * year) / period)
      },
    }
  },
})
