import { bars, forgetting, indicator } from './indicator.ts'

export const kama = indicator({
  id: 'kama',
  name: "Kaufman's adaptive moving average",
  meaning: 'an exponential average that follows faster when the price moves in a straighter line',
  parameters: { period: bars(30, 2), fast: bars(2, 1), slow: bars(30, 1) },
  inputs: ['close'],
  outputs: ['kama'],
  lookback: ({ period }) => period,
  // Without a straight move, the average has its slowest speed.
  unstable: ({ slow }) => forgetting(1 - (2 / (slow + 1)) ** 2),
  reference: 'TA-Lib KAMA (Kaufman 1995); TA-Lib has fast 2 and slow 30',
  create: ({ period, fast, slow }) => {
    const own = new Float64Array(5)
    const closes = new Float64Array(period)
    const moves = new Float64Array(period)
    const [quick, lazy] = [2 / (fast + 1), 2 / (slow + 1)]
    return {
      memory: [own, closes, moves],
      run([input], [output], rows) {
        const [x, y] = [input as Float64Array, output as Float64Array]
        let count = (own[0] as number) | 0
        let at = (own[1] as number) | 0
        let path = own[2] as number
        let average = own[3] as number
        let last = own[4] as number
        for (let row = 0; row < rows; row++) {
          const value = x[row] as number
          const first = closes[at] as number
          closes[at] = value
          if (count > 0) {
            const move = Math.abs(value - last)
            path += move - (moves[at] as number)
            moves[at] = move
          }
          if (++at === period) at = 0
          if (count < period) {
            average = value
            y[row] = Number.NaN
          } else {
            const way = value - first
            const efficiency = path <= way || path < 1e-14 ? 1 : Math.abs(way / path)
            const speed = efficiency * (quick - lazy) + lazy
            average += (value - average) * speed * speed
            y[row] = average
          }
          last = value
          count++
        }
        own[0] = count
        own[1] = at
        own[2] = path
        own[3] = average
        own[4] = last
      },
    }
  },
})
