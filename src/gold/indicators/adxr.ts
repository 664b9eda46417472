import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { averageDirectionalIndex } from './kernels/trend.ts'
import { lag } from './kernels/windows.ts'

export const adxr = indicator({
  id: 'adxr',
  name: 'Average directional movement index rating',
  meaning: 'mean of the average directional movement index now and period − 1 bars before',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['adxr'],
  lookback: ({ period }) => 3 * period - 2,
  unstable: ({ period }) => 2 * forgetting(1 - 1 / period),
  reference: 'TA-Lib ADXR (Wilder 1978)',
  create: ({ period }) => {
    const [average, before] = [averageDirectionalIndex(period), lag(period - 1)]
    const [now, then] = scratch(2) as [Float64Array, Float64Array]
    return {
      memory: [...average.memory, ...before.memory],
      run(inputs, [output], rows) {
        average.run(inputs, [now], rows)
        before.run([now], [then], rows)
        const y = output as Float64Array
        for (let row = 0; row < rows; row++) y[row] = ((now[row] as number) + (then[row] as number)) / 2
      },
    }
  },
})
