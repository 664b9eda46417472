import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { ema } from './kernels/averages.ts'

export const tema = indicator({
  id: 'tema',
  name: 'Triple exponential moving average',
  meaning: 'a combination of three nested exponential averages that lags less',
  parameters: { period: bars(20) },
  inputs: ['close'],
  outputs: ['tema'],
  lookback: ({ period }) => 3 * (period - 1),
  unstable: ({ period }) => 3 * forgetting(1 - 2 / (period + 1)),
  reference: 'TA-Lib TEMA (Mulloy 1994)',
  create: ({ period }) => {
    const kernels = [ema(period), ema(period), ema(period)] as const
    const [once, twice, thrice] = scratch(3) as [Float64Array, Float64Array, Float64Array]
    return {
      memory: kernels.flatMap(({ memory }) => memory),
      run(inputs, [output], rows) {
        kernels[0].run(inputs, [once], rows)
        kernels[1].run([once], [twice], rows)
        kernels[2].run([twice], [thrice], rows)
        const y = output as Float64Array
        for (let row = 0; row < rows; row++) y[row] = 3 * (once[row] as number) - 3 * (twice[row] as number) + (thrice[row] as number)
      },
    }
  },
})
