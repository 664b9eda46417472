import { bars, forgetting, indicator } from './indicator.ts'

export const macd = indicator({
  id: 'macd',
  name: 'Moving average convergence and divergence',
  meaning: 'fast minus slow exponential average, its own exponential average, and the difference; all start at the same bar',
  parameters: { fast: bars(12, 2), slow: bars(26, 2), signal: bars(9, 1) },
  inputs: ['close'],
  outputs: ['macd', 'macd_signal', 'macd_histogram'],
  lookback: ({ fast, slow, signal }) => Math.max(fast, slow) - 1 + signal - 1,
  unstable: ({ fast, slow, signal }) => forgetting(1 - 2 / (Math.max(fast, slow) + 1)) + forgetting(1 - 2 / (signal + 1)),
  reference: 'TA-Lib MACD (Appel): the fast average starts with the mean of the last closes before the first value of the slow average',
  create: (periods) => {
    const [fast, slow] = [Math.min(periods.fast, periods.slow), Math.max(periods.fast, periods.slow)]
    const own = new Float64Array(4)
    const [k, l, m] = [2 / (fast + 1), 2 / (slow + 1), 2 / (periods.signal + 1)]
    const begins = slow - 1 + periods.signal - 1
    return {
      memory: [own],
      run([input], [lines, signals, histograms], rows) {
        const [x, line, signal, histogram] = [input, lines, signals, histograms] as [Float64Array, Float64Array, Float64Array, Float64Array]
        let count = (own[0] as number) | 0
        let quick = own[1] as number
        let lazy = own[2] as number
        let average = own[3] as number
        let row = 0
        for (; row < rows && count <= begins; row++, count++) {
          const value = x[row] as number
          if (count < slow) {
            if (count >= slow - fast) quick += value
            lazy += value
            if (count === slow - 1) {
              quick /= fast
              lazy /= slow
            }
          } else {
            quick = quick * (1 - k) + value * k
            lazy = lazy * (1 - l) + value * l
          }
          if (count >= slow - 1) average += quick - lazy
          if (count === begins) average /= periods.signal
          const isReady = count === begins
          line[row] = isReady ? quick - lazy : Number.NaN
          signal[row] = isReady ? average : Number.NaN
          histogram[row] = isReady ? quick - lazy - average : Number.NaN
        }
        for (let next = row; next < rows; next++) {
          const value = x[next] as number
          quick = quick * (1 - k) + value * k
          lazy = lazy * (1 - l) + value * l
          const difference = quick - lazy
          average = average * (1 - m) + difference * m
          line[next] = difference
          signal[next] = average
          histogram[next] = difference - average
        }
        own[0] = count
        own[1] = quick
        own[2] = lazy
        own[3] = average
      },
    }
  },
})
