import { bars, indicator, scratch } from './indicator.ts'
import { moments } from './kernels/windows.ts'

export const zscore = indicator({
  id: 'zscore',
  name: 'Z-score',
  meaning: 'distance of the close from the mean of the last closes, in population standard deviations; null when all closes are equal',
  parameters: { period: bars(20, 2) },
  inputs: ['close'],
  outputs: ['zscore'],
  lookback: ({ period }) => period - 1,
  reference: 'definition',
  create: ({ period }) => {
    const kernel = moments(period)
    const [means, variances] = scratch(2) as [Float64Array, Float64Array]
    return {
      memory: kernel.memory,
      run(inputs, [output], rows) {
        kernel.run(inputs, [means, variances], rows)
        const [x, y] = [inputs[0], output] as [Float64Array, Float64Array]
        for (let row = 0; row < rows; row++) {
          const variance = variances[row] as number
          y[row] = variance > 0 ? ((x[row] as number) - (means[row] as number)) / Math.sqrt(variance) : Number.NaN
        }
      },
    }
  },
})
