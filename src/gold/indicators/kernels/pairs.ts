import type { Kernel } from '../indicator.ts'
import { LEAST_SHARE } from './windows.ts'

type Columns2 = [Float64Array, Float64Array]
type Columns3 = [Float64Array, Float64Array, Float64Array]

/**
 * Variance of each of two series and their covariance over the last `period` rows, divided by `period`. Sums the distances from reference values of the window.
 * Chooses new reference values and computes the sums again each time the window has moved by its length, and after a fall of a variance, so that rounding errors do not grow.
 * Equal values have a variance of exactly zero. Skips rows in which either value is NaN.
 */
export function comoments(period: number): Kernel {
  const own = new Float64Array(15)
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
      let largestX = own[13] as number
      let largestY = own[14] as number
      for (let row = 0; row < rows; row++) {
        const valueX = x[row] as number
        const valueY = y[row] as number
        if (Number.isNaN(valueX) || Number.isNaN(valueY)) {
          vx[row] = Number.NaN
          vy[row] = Number.NaN
          vxy[row] = Number.NaN
          continue
        }
        if (count === 0) [originX, originY] = [valueX, valueY]
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
        if (sxx > largestX) largestX = sxx
        if (syy > largestY) largestY = syy
        let restX = equalX >= period ? 0 : sxx - (sx * sx) / period
        let restY = equalY >= period ? 0 : syy - (sy * sy) / period
        const isSmall = (equalX < period && restX < LEAST_SHARE * largestX) || (equalY < period && restY < LEAST_SHARE * largestY)
        if (at === 0 || (isReady && isSmall)) {
          ;[originX, originY] = [valueX, valueY]
          ;[sx, sy, sxx, syy, sxy] = distanceSums(lefts, rights, count, originX, originY)
          ;[largestX, largestY] = [sxx, syy]
          restX = equalX >= period ? 0 : sxx - (sx * sx) / period
          restY = equalY >= period ? 0 : syy - (sy * sy) / period
        }
        vx[row] = isReady ? restX / period : Number.NaN
        vy[row] = isReady ? restY / period : Number.NaN
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
      own[13] = largestX
      own[14] = largestY
    },
  }
}

/** The sums of the distances from two reference values, of their squares (xx, yy) and of their products (xy). */
function distanceSums(lefts: Float64Array, rights: Float64Array, count: number, originX: number, originY: number) {
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0]
  for (let index = 0; index < count; index++) {
    const dx = (lefts[index] as number) - originX
    const dy = (rights[index] as number) - originY
    x += dx
    y += dy
    xx += dx * dx
    yy += dy * dy
    xy += dx * dy
  }
  return [x, y, xx, yy, xy] as const
}
