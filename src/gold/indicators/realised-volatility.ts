import { bars, factor, indicator, scratch } from './indicator.ts'
import { moments } from './kernels/windows.ts'

export const realisedVolatility = indicator({
  id: 'realised_volatility',
  name: 'Realised volatility of closes',
  meaning: 'sample standard deviation of log returns from close to close',
  parameters: { period: bars(20, 2), year: factor(1, 'bars of a year, to annualise; 1: per bar', 1, 1e9) },
  inputs: ['close'],
  outputs: ['realised_volatility'],
  lookback: ({ period }) => period,
  reference: 'definition',
  create: ({ period, year }) => {
    const own = new Float64Array(2)
    const kernel = moments(period, 1)
    const [returns, means] = scratch(2) as [Float64Array, Float64Array]
    return {
      memory: [own, ...kernel.memory],
      run([closes], [output], rows) {
        const [close, y] = [closes, output] as [Float64Array, Float64Array]
        let last = own[0] === 0 ? Number.NaN : (own[1] as number)
        for (let row = 0; row < rows; row++) {
          returns[row] = Math.log((close[row] as number) / last)
          last = close[row] as number
        }
        own[0] = 1
        own[1] = last
        kernel.run([returns], [means, y], rows)
        for (let row = 0; row < rows; row++) y[row] = Math.sqrt((y[row] as number) * year)
      },
    }
  },
})
