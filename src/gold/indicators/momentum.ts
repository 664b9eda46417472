import { bars, indicator } from './indicator.ts'
import { lag } from './kernels/windows.ts'

export const momentum = indicator({
  id: 'momentum',
  name: 'Momentum',
  meaning: 'change of the close over a number of bars',
  parameters: { period: bars(10) },
  inputs: ['close'],
  outputs: ['momentum'],
  lookback: ({ period }) => period,
  reference: 'TA-Lib MOM',
  create: ({ period }) => {
    const kernel = lag(period)
    return {
      memory: kernel.memory,
      run(inputs, outputs, rows) {
        kernel.run(inputs, outputs, rows)
        const [x, y] = [inputs[0], outputs[0]] as [Float64Array, Float64Array]
        for (let row = 0; row < rows; row++) y[row] = (x[row] as number) - (y[row] as number)
      },
    }
  },
})
