import { bars, factor, indicator, scratch } from './indicator.ts'
import { moments, windowSum } from './kernels/windows.ts'

export const yangZhang = indicator({
  id: 'yang_zhang',
  name: 'Yang–Zhang volatility',
  meaning: 'volatility from the gaps between bars, the moves within bars and their ranges; independent of drift and opening jumps',
  parameters: { period: bars(20, 2), year: factor(1, 'bars of a year, to annualise; 1: per bar', 1, 1e9) },
  inputs: ['open', 'high', 'low', 'close'],
  outputs: ['yang_zhang'],
  lookback: ({ period }) => period,
  reference: 'Yang, Zhang 2000, with k = 0.34 / (1.34 + (n + 1) / (n − 1))',
  create: ({ period, year }) => {
    const own = new Float64Array(2)
    const [steps, moves, ranges] = [moments(period, 1), moments(period, 1), windowSum(period)]
    const [step, move, range, unused, spread] = scratch(5) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
    const k = 0.34 / (1.34 + (period + 1) / (period - 1))
    return {
      memory: [own, ...steps.memory, ...moves.memory, ...ranges.memory],
      run([opens, highs, lows, closes], [output], rows) {
        const [open, high, low, close, y] = [opens, highs, lows, closes, output] as [
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
          Float64Array,
        ]
        let last = own[0] === 0 ? Number.NaN : (own[1] as number)
        for (let row = 0; row < rows; row++) {
          const begin = open[row] as number
          const up = Math.log((high[row] as number) / begin)
          const down = Math.log((low[row] as number) / begin)
          const end = Math.log((close[row] as number) / begin)
          const isFirst = Number.isNaN(last)
          step[row] = Math.log(begin / last)
          move[row] = isFirst ? Number.NaN : end
          range[row] = isFirst ? Number.NaN : up * (up - end) + down * (down - end)
          last = close[row] as number
        }
        own[0] = 1
        own[1] = last
        steps.run([step], [unused, y], rows)
        moves.run([move], [unused, spread], rows)
        for (let row = 0; row < rows; row++) y[row] = (y[row] as number) + k * (spread[row] as number)
        ranges.run([range], [spread], rows)
        for (let row = 0; row < rows; row++)
          y[row] = Math.sqrt(((y[row] as number) + ((1 - k) * Math.max(0, spread[row] as number)) / period) * year)
      },
    }
  },
})
