import { amounts, type Check } from './check.ts'

export const takerTotal = {
  id: 'taker_total',
  severity: 'error',
  dimension: 'consistency',
  meaning: 'takers bought more than was traded',
  condition: (series) => {
    const { volume, value, takerVolume, takerValue } = amounts(series)
    return series.dataset === 'klines' ? `${takerVolume} > ${volume} OR ${takerValue} > ${value}` : undefined
  },
} as const satisfies Check
