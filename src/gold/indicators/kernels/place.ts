import { type Kernel, scratch } from '../indicator.ts'
import { extreme } from './windows.ts'

/** Position of the third input between the lowest value of the second and the highest value of the first over `period`, 0–100; 0 when both are equal. */
export function place(period: number): Kernel {
  const [top, bottom] = [extreme(period, 1), extreme(period, -1)]
  const [highest, lowest] = scratch(2) as [Float64Array, Float64Array]
  const [tops, bottoms] = [[highest], [lowest]]
  return {
    memory: [...top.memory, ...bottom.memory],
    run([high, low, value], [output], rows) {
      top.run([high as Float64Array], tops, rows)
      bottom.run([low as Float64Array], bottoms, rows)
      const [x, y] = [value, output] as [Float64Array, Float64Array]
      for (let row = 0; row < rows; row++) {
        const range = (highest[row] as number) - (lowest[row] as number)
        // A range that is only rounding error counts as no range.
        y[row] = range <= 1e-12 * Math.abs(highest[row] as number) ? 0 : (100 * ((x[row] as number) - (lowest[row] as number))) / range
      }
    },
  }
}
