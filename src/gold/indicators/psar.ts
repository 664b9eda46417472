import { factor, indicator } from './indicator.ts'

export const psar = indicator({
  id: 'psar',
  name: 'Parabolic stop and reverse',
  meaning: 'a stop that follows the market with increasing speed, and changes sides when the price reaches it',
  parameters: { step: factor(0.02, 'acceleration with each new extreme', 0, 1), most: factor(0.2, 'highest acceleration', 0, 1) },
  inputs: ['high', 'low'],
  outputs: ['psar'],
  lookback: () => 1,
  // Two series with different starts are equal from their first common turn.
  unstable: () => Number.POSITIVE_INFINITY,
  reference: 'TA-Lib SAR (Wilder 1978); the first direction is the direction of the larger movement in the first two bars',
  create: ({ step, most }) => {
    const own = new Float64Array(7)
    const first = Math.min(step, most)
    return {
      memory: [own],
      run([highs, lows], [output], rows) {
        const [high, low, y] = [highs, lows, output] as [Float64Array, Float64Array, Float64Array]
        let count = (own[0] as number) | 0
        let top = own[1] as number
        let bottom = own[2] as number
        let isLong = (own[3] as number) | 0
        let stop = own[4] as number
        let extreme = own[5] as number
        let speed = own[6] as number
        for (let row = 0; row < rows; row++, count++) {
          const beforeTop = top
          const beforeBottom = bottom
          top = high[row] as number
          bottom = low[row] as number
          if (count === 0) {
            y[row] = Number.NaN
            continue
          }
          if (count === 1) {
            const up = top - beforeTop
            const down = beforeBottom - bottom
            isLong = down > 0 && up < down ? 0 : 1
            extreme = isLong === 1 ? top : bottom
            stop = isLong === 1 ? beforeBottom : beforeTop
            speed = first
          }
          // At the first bar with a stop, both sides are the bar itself.
          const lowest = count === 1 ? bottom : beforeBottom
          const highest = count === 1 ? top : beforeTop
          if (isLong === 1) {
            if (bottom <= stop) {
              isLong = 0
              stop = Math.max(extreme, highest, top)
              y[row] = stop
              speed = first
              extreme = bottom
              stop = Math.max(stop + speed * (extreme - stop), highest, top)
            } else {
              y[row] = stop
              if (top > extreme) {
                extreme = top
                speed = Math.min(speed + step, most)
              }
              stop = Math.min(stop + speed * (extreme - stop), lowest, bottom)
            }
          } else if (top >= stop) {
            isLong = 1
            stop = Math.min(extreme, lowest, bottom)
            y[row] = stop
            speed = first
            extreme = top
            stop = Math.min(stop + speed * (extreme - stop), lowest, bottom)
          } else {
            y[row] = stop
            if (bottom < extreme) {
              extreme = bottom
              speed = Math.min(speed + step, most)
            }
            stop = Math.max(stop + speed * (extreme - stop), highest, top)
          }
        }
        own[0] = count
        own[1] = top
        own[2] = bottom
        own[3] = isLong
        own[4] = stop
        own[5] = extreme
        own[6] = speed
      },
    }
  },
})
