import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { directional } from './kernels/bars.ts'

export const plusDi = indicator({
  id: 'plus_di',
  name: 'Plus directional indicator',
  meaning: "share of upward movement in the true range, 0–100, in Wilder's average",
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['plus_di'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib PLUS_DI (Wilder 1978)',
  create: ({ period }) => {
    const kernel = directional(period)
    const [pluses, minuses, ranges] = scratch(3) as [Float64Array, Float64Array, Float64Array]
    return {
      memory: kernel.memory,
      run(inputs, [output], rows) {
        kernel.run(inputs, [pluses, minuses, ranges], rows)
        const y = output as Float64Array
        for (let row = 0; row < rows; row++) y[row] = ranges[row] === 0 ? 0 : (100 * (pluses[row] as number)) / (ranges[row] as number)
      },
    }
  },
})
