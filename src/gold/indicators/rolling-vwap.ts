import { bars, indicator, scratch } from './indicator.ts'

export const rollingVwap = indicator({
  id: 'rolling_vwap',
  name: 'Rolling volume-weighted average price',
  meaning: 'typical price weighted by volume over the last bars; null when nothing was traded',
  parameters: { period: bars(20) },
  inputs: ['high', 'low', 'close', 'volume'],
  outputs: ['rolling_vwap'],
  lookback: ({ period }) => period - 1,
  reference: 'as vwap, over a window',
  create: ({ period }) => {
    const own = new Float64Array(5)
    const ring = new Float64Array(2 * period)
    const [values] = scratch(1) as [Float64Array]
    return {
      memory: [own, ring],
      run(inputs, outputs, rows) {
        const [high, low, close, volume] = inputs as unknown as [Float64Array, Float64Array, Float64Array, Float64Array]
        const y = outputs[0] as Float64Array
        const size = period | 0
        let count = (own[0] as number) | 0
        let at = (own[1] as number) | 0
        let value = own[2] as number
        let amount = own[3] as number
        let zeros = (own[4] as number) | 0
        let row = 0
        for (const end = Math.min(rows, size); row < end; row++) {
          const traded = volume[row] as number
          const quoteValue = (((high[row] as number) + (low[row] as number) + (close[row] as number)) / 3) * traded
          value += quoteValue - (ring[at] as number)
          amount += traded - (ring[at + size] as number)
          ring[at] = quoteValue
          ring[at + size] = traded
          if (++at === size) at = 0
          if (count < size) count++
          // Without trades the sum is exactly zero, whatever rounding earlier additions have left.
          zeros = traded === 0 ? zeros + 1 : 0
          if (zeros >= size) {
            value = 0
            amount = 0
          }
          y[row] = count === size && amount > 0 ? value / amount : Number.NaN
        }
        if (row < rows) {
          // The row that leaves the window is in the block itself.
          for (let place = 0; place < rows; place++)
            values[place] = (((high[place] as number) + (low[place] as number) + (close[place] as number)) / 3) * (volume[place] as number)
          for (let next = row; next < rows; next++) {
            const traded = volume[next] as number
            value += (values[next] as number) - (values[next - size] as number)
            amount += traded - (volume[next - size] as number)
            zeros = traded === 0 ? zeros + 1 : 0
            if (zeros >= size) {
              value = 0
              amount = 0
            }
            y[next] = amount > 0 ? value / amount : Number.NaN
          }
          at = 0
        }
        own[0] = count
        own[1] = at
        own[2] = value
        own[3] = amount
        own[4] = zeros
        // Call this only after the loops: values that live across a call are kept in memory, not in a register.
        if (rows > size) {
          ring.set(values.subarray(rows - size, rows))
          ring.set(volume.subarray(rows - size, rows), size)
        }
      },
    }
  },
})
