import type { Kernel } from '../indicator.ts'

type Columns2 = [Float64Array, Float64Array]
type Columns3 = [Float64Array, Float64Array, Float64Array]

/**
 * Variance of each of two series and their covariance over the last `period` rows, divided by `period`. Sums the distances from reference values of the window.
 * Chooses new reference values and computes the sums again each time the window has moved by its length, so that rounding errors do not grow.
 * Equal values have a variance of exactly zero. Skips rows in which either value is NaN.
 */
export function comoments(period: number): Kernel {
  const own = new Float64Array(13)
  const lefts = new Float64Array(period)
  const rights = new Float64Array(period)
  return {
    memory: [own, lefts, rights],
    run(inputs, outputs, rows) {
      const [x, y] = inputs as unknown as Columns2
      const [vx, vy, vxy] = outputs as unknown as Columns3
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
      let originX = own[2] as number
      let originY = own[3] as number
      let sx = own[4] as number
      let sy = own[5] as number
      let sxx = own[6] as number
      let syy = own[7] as number
      let sxy = own[8] as number
      let lastX = own[9] as number
      let lastY = own[10] as number
      let equalX = (own[11] as number) | 0
      let equalY = (own[12] as number) | 0
      for (let row = 0; row < rows; row++) {
        const valueX = x[row] as number
        const valueY = y[row] as number
        if (Number.isNaN(valueX) || Number.isNaN(valueY)) {
          vx[row] = Number.NaN
          vy[row] = Number.NaN
          vxy[row] = Number.NaN
          continue
        }
        if (at === 0) {
          originX = valueX
          originY = valueY
          sx = 0
          sy = 0
          sxx = 0
          syy = 0
          sxy = 0
          for (let index = 0; index < count; index++) {
            const dx = (lefts[index] as number) - originX
            const dy = (rights[index] as number) - originY
            sx += dx
            sy += dy
            sxx += dx * dx
            syy += dy * dy
            sxy += dx * dy
          }
        }
        const dx = valueX - originX
        const dy = valueY - originY
        const oldX = count < period ? 0 : (lefts[at] as number) - originX
        const oldY = count < period ? 0 : (rights[at] as number) - originY
        sx += dx - oldX
        sy += dy - oldY
        sxx += dx * dx - oldX * oldX
        syy += dy * dy - oldY * oldY
        sxy += dx * dy - oldX * oldY
        lefts[at] = valueX
        rights[at] = valueY
        if (++at === period) at = 0
        if (count < period) count++
        equalX = valueX === lastX ? equalX + 1 : 1
        equalY = valueY === lastY ? equalY + 1 : 1
        lastX = valueX
        lastY = valueY
        const isReady = count >= period
        vx[row] = !isReady ? Number.NaN : equalX >= period ? 0 : (sxx - (sx * sx) / period) / period
        vy[row] = !isReady ? Number.NaN : equalY >= period ? 0 : (syy - (sy * sy) / period) / period
        vxy[row] = !isReady ? Number.NaN : equalX >= period || equalY >= period ? 0 : (sxy - (sx * sy) / period) / period
      }
      own[0] = count
      own[1] = at
      own[2] = originX
      own[3] = originY
      own[4] = sx
      own[5] = sy
      own[6] = sxx
      own[7] = syy
      own[8] = sxy
      own[9] = lastX
      own[10] = lastY
      own[11] = equalX
      own[12] = equalY
    },
  }
}
