import type { Detector } from './detector.ts'
import { RollingWindow } from './rolling.ts'

const WINDOW = 240
const SHORTEST = 120
/** Deviations up to this, in scales, are drift … */
const SLACK = 2.2
/** … and a sum beyond it that reaches this is a shift. */
const DECISION = 26

/** A two-sided CUSUM (Page 1954) on the logarithm of volume. The baseline is constant while deviations add up. */
export const levelShift = {
  id: 'level_shift',
  meaning: 'the volume moved to another level and stayed there',
  sees: 'traded bars',
  parameters: { window: WINDOW, slack: SLACK, decision: DECISION },
  create: () => {
    const window = new RollingWindow(WINDOW)
    let [up, down] = [0, 0]
    return ({ volume }) => {
      if (!(volume > 0)) return undefined
      const value = Math.log(volume)
      if (window.size < SHORTEST) {
        window.push(value)
        return undefined
      }
      const z = Math.max(-6, Math.min(6, (value - window.median()) / Math.max(window.scale(), 0.1)))
      up = Math.max(0, up + z - SLACK)
      down = Math.max(0, down - z - SLACK)
      const sum = Math.max(up, down)
      if (sum === 0) window.push(value)
      if (sum <= DECISION)
        return undefined
        // From here on the new level is the usual one.
      ;[up, down] = [0, 0]
      window.clear()
      return sum
    }
  },
} as const satisfies Detector
