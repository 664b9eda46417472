import { bars, forgetting, indicator, scratch } from './indicator.ts'
import { sma } from './kernels/averages.ts'
import { place } from './kernels/place.ts'
import { rsi } from './kernels/strength.ts'

export const stochRsi = indicator({
  id: 'stoch_rsi',
  name: 'Stochastic RSI',
  meaning: 'position of the relative strength index between its lowest and highest value, 0–100, and its average',
  parameters: { period: bars(14, 2), k: bars(5), d: bars(3) },
  inputs: ['close'],
  outputs: ['stoch_rsi_k', 'stoch_rsi_d'],
  lookback: ({ period, k, d }) => period + k + d - 2,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'TA-Lib STOCHRSI with a simple average (Chande, Kroll 1994); both start at the same bar',
  create: ({ period, k, d }) => {
    const [strength, raw, average] = [rsi(period), place(k), sma(d)]
    const [strengths] = scratch(1) as [Float64Array]
    return {
      memory: [...strength.memory, ...raw.memory, ...average.memory],
      run(inputs, [fast, slow], rows) {
        const [first, second] = [fast, slow] as [Float64Array, Float64Array]
        strength.run(inputs, [strengths], rows)
        raw.run([strengths, strengths, strengths], [first], rows)
        average.run([first], [second], rows)
        for (let row = 0; row < rows && Number.isNaN(second[row]); row++) first[row] = Number.NaN
      },
    }
  },
})
