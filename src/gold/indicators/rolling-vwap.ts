import { bars, indicator, scratch } from './indicator.ts'
import { windowSum } from './kernels/windows.ts'

export const rollingVwap = indicator({
  id: 'rolling_vwap',
  name: 'Rolling volume-weighted average price',
  meaning: 'typical price weighted by volume over the last bars; null where nothing was traded',
  parameters: { period: bars(20) },
  inputs: ['high', 'low', 'close', 'volume'],
  outputs: ['rolling_vwap'],
  lookback: ({ period }) => period - 1,
  reference: 'as vwap, over a window',
  create: ({ period }) => {
    const [value, amount] = [windowSum(period), windowSum(period)]
    const [worth, values, amounts] = scratch(3) as [Float64Array, Float64Array, Float64Array]
    return {
      memory: [...value.memory, ...amount.memory],
      run([highs, lows, closes, volumes], [output], rows) {
        const [high, low, close, volume, y] = [highs, lows, closes, volumes, output] as [
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
        ]
        for (let row = 0; row < rows; row++)
          worth[row] = (((high[row] as number) + (low[row] as number) + (close[row] as number)) / 3) * (volume[row] as number)
        value.run([worth], [values], rows)
        amount.run([volume], [amounts], rows)
        for (let row = 0; row < rows; row++) {
          const traded = amounts[row] as number
          y[row] = traded > 0 ? (values[row] as number) / traded : Number.NaN
        }
      },
    }
  },
})
