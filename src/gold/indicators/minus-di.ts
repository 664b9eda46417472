import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { directional } from './kernels/bars.ts'

export const minusDi = indicator({
  id: 'minus_di',
  name: 'Minus directional indicator',
  meaning: "share of downward movement in the true range, 0–100, in Wilder's average",
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close'],
  outputs: ['minus_di'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib MINUS_DI (Wilder 1978)',
  create: ({ period }) => {
    const kernel = directional(period)
    const [pluses, minuses, ranges] = scratch(3) as [Float64Array, Float64Array, Float64Array]
    return {
      memory: kernel.memory,
      run(inputs, [output], rows) {
        kernel.run(inputs, [pluses, minuses, ranges], rows)
        const y = output as Float64Array
        for (let row = 0; row < rows; row++) y[row] = ranges[row] === 0 ? 0 : (100 * (minuses[row] as number)) / (ranges[row] as number)
      },
    }
  },
})
