import { bars, indicator, scratch } from './indicator.ts'
import { extreme, lag } from './kernels/windows.ts'

export const ichimoku = indicator({
  id: 'ichimoku',
  name: 'Ichimoku cloud',
  meaning:
    'midpoints of highest high and lowest low (tenkan, kijun), and the cloud at this bar, which was drawn displacement − 1 bars ahead and uses no later data',
  parameters: { tenkan: bars(9), kijun: bars(26), span: bars(52), displacement: bars(26) },
  inputs: ['high', 'low'],
  outputs: ['tenkan', 'kijun', 'span_a', 'span_b'],
  lookback: ({ tenkan, kijun, span, displacement }) => Math.max(tenkan, kijun, span) - 1 + displacement - 1,
  reference: 'Hosoda 1969; without the lagging span, which is the close drawn in the past',
  create: ({ tenkan, kijun, span, displacement }) => {
    const middles = [tenkan, kijun, span].map((period) => [extreme(period, 1), extreme(period, -1)] as const)
    const lags = displacement === 1 ? [] : [lag(displacement - 1), lag(displacement - 1)]
    const [low, third] = scratch(2) as [Float64Array, Float64Array]
    const begins = Math.max(tenkan, kijun, span) - 1 + displacement - 1
    const own = new Float64Array(1)
    return {
      memory: [own, ...middles.flat().flatMap(({ memory }) => memory), ...lags.flatMap(({ memory }) => memory)],
      run([highs, lows], outputs, rows) {
        const [first, second, a, b] = outputs as unknown as [Float64Array, Float64Array, Float64Array, Float64Array]
        for (const [index, target] of [first, second, third].entries()) {
          middles[index]?.[0].run([highs as Float64Array], [target], rows)
          middles[index]?.[1].run([lows as Float64Array], [low], rows)
          for (let row = 0; row < rows; row++) target[row] = ((target[row] as number) + (low[row] as number)) / 2
        }
        for (let row = 0; row < rows; row++) low[row] = ((first[row] as number) + (second[row] as number)) / 2
        if (lags.length === 0) {
          a.set(low.subarray(0, rows))
          b.set(third.subarray(0, rows))
        } else {
          lags[0]?.run([low], [a], rows)
          lags[1]?.run([third], [b], rows)
        }
        let count = (own[0] as number) | 0
        for (let row = 0; row < rows && count < begins; row++, count++) for (const output of outputs) output[row] = Number.NaN
        own[0] = count
      },
    }
  },
})
