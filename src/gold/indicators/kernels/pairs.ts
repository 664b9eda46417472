import type { Kernel } from '../indicator.ts'

/**
 * Sums of two series over the last `period` rows, as distances from their first values: variance of each and covariance, divided by `period`. Equal values have a variance of exactly
 * zero. Rows in which either is NaN are passed over.
 */
export function comoments(period: number): Kernel {
  const own = new Float64Array(13)
  const lefts = new Float64Array(period)
  const rights = new Float64Array(period)
  return {
    memory: [own, lefts, rights],
    run([left, right], [leftVariances, rightVariances, covariances], rows) {
      const [x, y, vx, vy, vxy] = [left, right, leftVariances, rightVariances, covariances] as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ]
      let count = (own[0] as number) | 0
      let at = (own[1] as number) | 0
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
        if (count === 0) {
          own[2] = valueX
          own[3] = valueY
        }
        const dx = valueX - (own[2] as number)
        const dy = valueY - (own[3] as number)
        const oldX = lefts[at] as number
        const oldY = rights[at] as number
        sx += dx - oldX
        sy += dy - oldY
        sxx += dx * dx - oldX * oldX
        syy += dy * dy - oldY * oldY
        sxy += dx * dy - oldX * oldY
        lefts[at] = dx
        rights[at] = dy
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
