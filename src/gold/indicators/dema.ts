import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { ema } from './kernels/averages.ts'

export const dema = indicator({
  id: 'dema',
  name: 'Double exponential moving average',
  meaning: 'twice the exponential average minus the exponential average of that average',
  parameters: { period: bars(20) },
  inputs: ['close'],
  outputs: ['dema'],
  lookback: ({ period }) => 2 * (period - 1),
  unstable: ({ period }) => 2 * forgetting(1 - 2 / (period + 1)),
  reference: 'TA-Lib DEMA (Mulloy 1994)',
  create: ({ period }) => {
    const [first, second] = [ema(period), ema(period)]
    const [once, twice] = scratch(2) as [Float64Array, Float64Array]
    return {
      memory: [...first.memory, ...second.memory],
      run(inputs, [output], rows) {
        first.run(inputs, [once], rows)
        second.run([once], [twice], rows)
        const y = output as Float64Array
        for (let row = 0; row < rows; row++) y[row] = 2 * (once[row] as number) - (twice[row] as number)
      },
    }
  },
})
