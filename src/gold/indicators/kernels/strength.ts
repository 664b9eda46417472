import type { Kernel } from '../indicator.ts'

/** Wilder's relative strength, 0–100, of a series without gaps; 0 when nothing has moved. */
export function rsi(period: number): Kernel {
  const own = new Float64Array(4)
  const [keep, share] = [1 - 1 / period, 1 / period]
  return {
    memory: [own],
    run([input], [output], rows) {
      const [x, y] = [input as Float64Array, output as Float64Array]
      let count = (own[0] as number) | 0
      let last = own[1] as number
      let rises = own[2] as number
      let falls = own[3] as number
      let row = 0
      for (; row < rows && count <= period; row++) {
        const value = x[row] as number
        const move = count === 0 ? 0 : value - last
        if (move > 0) rises += move
        else falls -= move
        last = value
        y[row] = Number.NaN
        if (count++ < period) continue
        rises /= period
        falls /= period
        const all = rises + falls
        y[row] = all > 0 ? (100 * rises) / all : 0
      }
      for (let next = row; next < rows; next++) {
        const value = x[next] as number
        const move = value - last
        const size = Math.abs(move)
        // Either the rise or the fall is 0. This avoids a branch that the processor would mispredict half of the time.
        rises = rises * keep + (size + move) * 0.5 * share
        falls = falls * keep + (size - move) * 0.5 * share
        last = value
        const all = rises + falls
        y[next] = all > 0 ? (100 * rises) / all : 0
      }
      own[0] = count
      own[1] = last
      own[2] = rises
      own[3] = falls
    },
  }
}
