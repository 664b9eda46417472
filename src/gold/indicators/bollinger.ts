import { bars, factor, indicator, scratch } from './indicator.ts'
import { moments } from './kernels/windows.ts'

export const bollinger = indicator({
  id: 'bollinger',
  name: 'Bollinger bands',
  meaning: 'mean of the last closes, and bands at a number of population standard deviations above and below',
  parameters: { period: bars(20, 2), width: factor(2, 'standard deviations') },
  inputs: ['close'],
  outputs: ['bollinger_upper', 'bollinger_middle', 'bollinger_lower'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib BBANDS (Bollinger 2001)',
  create: ({ period, width }) => {
    const kernel = moments(period)
    const [variances] = scratch(1) as [Float64Array]
    return {
      memory: kernel.memory,
      run(inputs, [uppers, middles, lowers], rows) {
        const [upper, middle, lower] = [uppers, middles, lowers] as [Float64Array, Float64Array, Float64Array]
        kernel.run(inputs, [middle, variances], rows)
        for (let row = 0; row < rows; row++) {
          const mean = middle[row] as number
          const distance = width * Math.sqrt(variances[row] as number)
          upper[row] = mean + distance
          lower[row] = mean - distance
        }
      },
    }
  },
})
