import { bars, indicator } from './indicator.ts'
import { lag } from './kernels/windows.ts'

export const roc = indicator({
  id: 'roc',
  name: 'Rate of change',
  meaning: 'change of the close over a number of bars, in percent; 0 when the earlier close was 0',
  parameters: { period: bars(10) },
  inputs: ['close'],
  outputs: ['roc'],
  lookback: ({ period }) => period,
  reference: 'TA-Lib ROC',
  create: ({ period }) => {
    const kernel = lag(period)
    return {
      memory: kernel.memory,
      run(inputs, outputs, rows) {
        kernel.run(inputs, outputs, rows)
        const [x, y] = [inputs[0], outputs[0]] as [Float64Array, Float64Array]
        for (let row = 0; row < rows; row++) {
          const before = y[row] as number
          y[row] = before === 0 ? 0 : ((x[row] as number) / before - 1) * 100
        }
      },
    }
  },
})
