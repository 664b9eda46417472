import { indicator } from './indicator.ts'

export const candle = indicator({
  id: 'candle',
  name: 'Shape of a candle',
  meaning:
    'range (high − low), change (close − open, also in percent of the open), body, upper and lower wick, range in percent of the open, and the type: 1 bullish, −1 bearish, 0 neither',
  parameters: {},
  inputs: ['open', 'high', 'low', 'close'],
  outputs: ['price_range', 'price_change', 'price_change_pct', 'body_size', 'upper_wick', 'lower_wick', 'volatility_pct', 'candle_type'],
  lookback: () => 0,
  reference: 'definition',
  create: () => ({
    memory: [],
    run([opens, highs, lows, closes], outputs, rows) {
      const [open, high, low, close] = [opens, highs, lows, closes] as [Float64Array, Float64Array, Float64Array, Float64Array]
      const [range, change, percent, body, upper, lower, volatility, type] = outputs as unknown as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ]
      for (let row = 0; row < rows; row++) {
        const o = open[row] as number
        const h = high[row] as number
        const l = low[row] as number
        const c = close[row] as number
        range[row] = h - l
        change[row] = c - o
        percent[row] = o === 0 ? Number.NaN : (100 * (c - o)) / o
        body[row] = Math.abs(c - o)
        upper[row] = h - Math.max(o, c)
        lower[row] = Math.min(o, c) - l
        volatility[row] = o === 0 ? Number.NaN : (100 * (h - l)) / o
        type[row] = Math.sign(c - o)
      }
    },
  }),
})
