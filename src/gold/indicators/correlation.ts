import { bars, indicator, scratch } from './indicator.ts'
import { comoments } from './kernels/pairs.ts'

export const correlation = indicator({
  id: 'correlation',
  name: 'Correlation with a benchmark',
  meaning: "Pearson's correlation of the last closes of two symbols, −1–1; 0 when one of them is constant",
  parameters: { period: bars(30, 2) },
  inputs: ['close', 'benchmark'],
  outputs: ['correlation'],
  lookback: ({ period }) => period - 1,
  reference: 'TA-Lib CORREL',
  create: ({ period }) => {
    const kernel = comoments(period)
    const [left, right] = scratch(2) as [Float64Array, Float64Array]
    return {
      memory: kernel.memory,
      run(inputs, [output], rows) {
        const y = output as Float64Array
        kernel.run(inputs, [left, right, y], rows)
        for (let row = 0; row < rows; row++) {
          const both = (left[row] as number) * (right[row] as number)
          if (both <= 0) y[row] = 0
          else y[row] = Math.max(-1, Math.min(1, (y[row] as number) / Math.sqrt(both)))
        }
      },
    }
  },
})
