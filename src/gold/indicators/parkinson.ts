import { bars, factor, indicator, scratch } from './indicator.ts'
import { windowSum } from './kernels/windows.ts'

export const parkinson = indicator({
  id: 'parkinson',
  name: 'Parkinson volatility',
  meaning: 'volatility from the high–low ranges',
  parameters: { period: bars(20), year: factor(1, 'bars of a year, to annualise; 1: per bar', 1, 1e9) },
  inputs: ['high', 'low'],
  outputs: ['parkinson'],
  lookback: ({ period }) => period - 1,
  reference: 'Parkinson 1980',
  create: ({ period, year }) => {
    const kernel = windowSum(period)
    const [squares] = scratch(1) as [Float64Array]
    const share = year / (4 * Math.LN2 * period)
    return {
      memory: kernel.memory,
      run([highs, lows], [output], rows) {
        const [high, low, y] = [highs, lows, output] as [Float64Array, Float64Array, Float64Array]
        for (let row = 0; row < rows; row++) squares[row] = Math.log((high[row] as number) / (low[row] as number)) ** 2
        kernel.run([squares], [y], rows)
        for (let row = 0; row < rows; row++) y[row] = Math.sqrt(Math.max(0, y[row] as number) * share)
      },
    }
  },
})
