import { bars, indicator, scratch } from './indicator.ts'
import { comoments } from './kernels/pairs.ts'

export const beta = indicator({
  id: 'beta',
  name: 'Beta to a benchmark',
  meaning: 'the relative move of the close per relative move of the benchmark; 0 when the benchmark is constant',
  parameters: { period: bars(30, 2) },
  inputs: ['close', 'benchmark'],
  outputs: ['beta'],
  lookback: ({ period }) => period,
  reference: 'TA-Lib BETA (first input the benchmark)',
  create: ({ period }) => {
    const own = new Float64Array(3)
    const kernel = comoments(period)
    const [moves, benchmarkMoves, left, right] = scratch(4) as [Float64Array, Float64Array, Float64Array, Float64Array]
    return {
      memory: [own, ...kernel.memory],
      run([closes, benchmarks], [output], rows) {
        const [close, benchmark, y] = [closes, benchmarks, output] as [Float64Array, Float64Array, Float64Array]
        let last = own[0] === 0 ? Number.NaN : (own[1] as number)
        let lastBenchmark = own[2] as number
        for (let row = 0; row < rows; row++) {
          const value = close[row] as number
          const other = benchmark[row] as number
          moves[row] = last === 0 ? 0 : (value - last) / last
          benchmarkMoves[row] = lastBenchmark === 0 ? 0 : (other - lastBenchmark) / lastBenchmark
          last = value
          lastBenchmark = other
        }
        own[0] = 1
        own[1] = last
        own[2] = lastBenchmark
        kernel.run([moves, benchmarkMoves], [left, right, y], rows)
        for (let row = 0; row < rows; row++) {
          const variance = right[row] as number
          if (variance <= 0) y[row] = 0
          else y[row] = (y[row] as number) / variance
        }
      },
    }
  },
})
