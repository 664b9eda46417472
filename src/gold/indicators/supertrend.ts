import { bars, factor, forgetting, indicator, scratch } from './indicator.ts'
import { averageTrueRange } from './kernels/bars.ts'

export const supertrend = indicator({
  id: 'supertrend',
  name: 'Supertrend',
  meaning:
    'a band below a rising or above a falling market, which moves only in the direction of the trend; and the direction: 1 up, −1 down',
  parameters: { period: bars(10), width: factor(3, 'average true ranges') },
  inputs: ['high', 'low', 'close'],
  outputs: ['supertrend', 'supertrend_direction'],
  lookback: ({ period }) => period,
  unstable: ({ period }) => forgetting(1 - 1 / period),
  reference: 'Seban; starts as a falling market, until the first close above the band',
  create: ({ period, width }) => {
    const own = new Float64Array(5)
    const kernel = averageTrueRange(period)
    const [ranges] = scratch(1) as [Float64Array]
    return {
      memory: [own, ...kernel.memory],
      run(inputs, [bands, directions], rows) {
        const [high, low, close] = inputs as unknown as [Float64Array, Float64Array, Float64Array]
        const [band, direction] = [bands, directions] as [Float64Array, Float64Array]
        kernel.run(inputs, [ranges], rows)
        let isBegun = (own[0] as number) | 0
        let top = own[1] as number
        let bottom = own[2] as number
        let way = (own[3] as number) | 0
        let last = own[4] as number
        for (let row = 0; row < rows; row++) {
          const distance = width * (ranges[row] as number)
          const value = close[row] as number
          if (Number.isNaN(distance)) {
            band[row] = Number.NaN
            direction[row] = Number.NaN
            last = value
            continue
          }
          const middle = ((high[row] as number) + (low[row] as number)) / 2
          const upper = middle + distance
          const lower = middle - distance
          if (isBegun === 0) {
            top = upper
            bottom = lower
            way = -1
            isBegun = 1
          } else {
            // The band keeps its value until the market comes nearer or breaks through it.
            if (upper < top || last > top) top = upper
            if (lower > bottom || last < bottom) bottom = lower
          }
          if (way < 0 && value > top) way = 1
          else if (way > 0 && value < bottom) way = -1
          band[row] = way > 0 ? bottom : top
          direction[row] = way
          last = value
        }
        own[0] = isBegun
        own[1] = top
        own[2] = bottom
        own[3] = way
        own[4] = last
      },
    }
  },
})
