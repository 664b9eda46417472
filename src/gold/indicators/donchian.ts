import { bars, indicator } from './indicator.ts'
import { extreme } from './kernels/windows.ts'

export const donchian = indicator({
  id: 'donchian',
  name: 'Donchian channel',
  meaning: 'highest high, lowest low, and the middle between them',
  parameters: { period: bars(20) },
  inputs: ['high', 'low'],
  outputs: ['donchian_upper', 'donchian_middle', 'donchian_lower'],
  lookback: ({ period }) => period - 1,
  reference: 'Donchian 1960; TA-Lib MAX and MIN',
  create: ({ period }) => {
    const [top, bottom] = [extreme(period, 1), extreme(period, -1)]
    return {
      memory: [...top.memory, ...bottom.memory],
      run([high, low], [uppers, middles, lowers], rows) {
        const [upper, middle, lower] = [uppers, middles, lowers] as [Float64Array, Float64Array, Float64Array]
        top.run([high as Float64Array], [upper], rows)
        bottom.run([low as Float64Array], [lower], rows)
        for (let row = 0; row < rows; row++) middle[row] = ((upper[row] as number) + (lower[row] as number)) / 2
      },
    }
  },
})
