import { bars, factor, forgetting, indicator, scratch } from './indicator.ts'
import { ema } from './kernels/averages.ts'
import { averageTrueRange } from './kernels/bars.ts'

export const keltner = indicator({
  id: 'keltner',
  name: 'Keltner channel',
  meaning: 'exponential average of the closes, and bands at a number of average true ranges above and below',
  parameters: { period: bars(20), range: bars(10), width: factor(2, 'average true ranges') },
  inputs: ['high', 'low', 'close'],
  outputs: ['keltner_upper', 'keltner_middle', 'keltner_lower'],
  lookback: ({ period, range }) => Math.max(period - 1, range),
  unstable: ({ period, range }) => Math.max(forgetting(1 - 2 / (period + 1)), forgetting(1 - 1 / range)),
  reference: 'Keltner 1960, in the version of Raschke',
  create: ({ period, range, width }) => {
    const [average, ranges] = [ema(period), averageTrueRange(range)]
    const [distances] = scratch(1) as [Float64Array]
    return {
      memory: [...average.memory, ...ranges.memory],
      run(inputs, [uppers, middles, lowers], rows) {
        const [upper, middle, lower] = [uppers, middles, lowers] as [Float64Array, Float64Array, Float64Array]
        average.run([inputs[2] as Float64Array], [middle], rows)
        ranges.run(inputs, [distances], rows)
        for (let row = 0; row < rows; row++) {
          const distance = width * (distances[row] as number)
          upper[row] = (middle[row] as number) + distance
          lower[row] = (middle[row] as number) - distance
          if (Number.isNaN(distance) || Number.isNaN(upper[row])) middle[row] = Number.NaN
        }
      },
    }
  },
})
