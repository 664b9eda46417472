import { bars, forgetting, indicator } from './indicator.ts'
import { averageTrueRange } from './kernels/bars.ts'

export const natr = indicator({
  id: 'natr',
  name: 'Normalised average true range',
  meaning: 'average true range in percent of the close',
  parameters: { period: bars(14) },
  inputs: ['high', 'low', 'close'],
  outputs: ['natr'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib NATR',
  create: ({ period }) => {
    const kernel = averageTrueRange(period)
    return {
      memory: kernel.memory,
      run(inputs, outputs, rows) {
        kernel.run(inputs, outputs, rows)
        const [close, y] = [inputs[2], outputs[0]] as [Float64Array, Float64Array]
        for (let row = 0; row < rows; row++)
          y[row] = close[row] === 0 ? 0 * (y[row] as number) : (100 * (y[row] as number)) / (close[row] as number)
      },
    }
  },
})
