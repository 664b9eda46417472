import { bars, indicator, scratch } from './indicator.ts'
import { place } from './kernels/place.ts'

export const williamsR = indicator({
  id: 'williams_r',
  name: 'Williams %R',
  meaning: 'distance of the close below the highest high, −100 to 0; 0 when highest high and lowest low are equal',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['williams_r'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib WILLR (Williams 1973)',
  create: ({ period }) => {
    const kernel = place(period)
    const [tops, bottoms, upturned] = scratch(3) as [Float64Array, Float64Array, Float64Array]
    return {
      memory: kernel.memory,
      run([highs, lows, closes], outputs, rows) {
        // The position of the close in the same range, measured from the top. It is also 0 when there is no range.
        const [high, low, close] = [highs, lows, closes] as [Float64Array, Float64Array, Float64Array]
        for (let row = 0; row < rows; row++) {
          tops[row] = -(low[row] as number)
          bottoms[row] = -(high[row] as number)
          upturned[row] = -(close[row] as number)
        }
        kernel.run([tops, bottoms, upturned], outputs, rows)
        const y = outputs[0] as Float64Array
        for (let row = 0; row < rows; row++) y[row] = 0 - (y[row] as number)
      },
    }
  },
})
