import { bars, indicator, scratch } from './indicator.ts'
import { sma } from './kernels/averages.ts'
import { place } from './kernels/place.ts'

export const stochastic = indicator({
  id: 'stochastic',
  name: 'Stochastic oscillator',
  meaning:
    'position of the close between lowest low and highest high, 0–100, averaged (k) and averaged again (d); 0 when low and high are equal',
  parameters: { period: bars(5), k: bars(3), d: bars(3) },
  inputs: ['high', 'low', 'close'],
  outputs: ['stochastic_k', 'stochastic_d'],
  lookback: ({ period, k, d }) => period + k + d - 3,
  reference: 'TA-Lib STOCH with simple averages (Lane); both start at the same bar',
  create: ({ period, k, d }) => {
    const [raw, once, twice] = [place(period), sma(k), sma(d)]
    const [places] = scratch(1) as [Float64Array]
    return {
      memory: [...raw.memory, ...once.memory, ...twice.memory],
      run(inputs, [slow, slower], rows) {
        const [first, second] = [slow, slower] as [Float64Array, Float64Array]
        raw.run(inputs, [places], rows)
        once.run([places], [first], rows)
        twice.run([first], [second], rows)
        for (let row = 0; row < rows && Number.isNaN(second[row]); row++) first[row] = Number.NaN
      },
    }
  },
})
