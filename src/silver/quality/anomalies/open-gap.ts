import type { Detector } from './detector.ts'
import { hampelFilter } from './rolling.ts'

const PARAMETERS = { window: 120, shortest: 30, threshold: 12, smallest: 2e-3 } as const

/** A Hampel filter on the step from one close to the next open. */
export const openGap = {
  id: 'open_gap',
  meaning: 'the bar opens far from the close of the bar before',
  sees: 'bars',
  parameters: PARAMETERS,
  create: () => {
    const filter = hampelFilter(PARAMETERS)
    let closed = Number.NaN
    return ({ open, close }) => {
      const value = Math.log(open / closed)
      closed = close
      return filter(value)
    }
  },
} as const satisfies Detector
