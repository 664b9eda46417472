import type { Check } from './check.ts'

export const depthMonotone = {
  id: 'depth_monotone',
  severity: 'error',
  dimension: 'consistency',
  meaning: 'less lies within a wider band around the price than within a narrower one',
  condition: ({ dataset }) =>
    dataset === 'bookDepth'
      ? 'timestamp = previous_timestamp AND ((percentage < 0 AND depth > previous_depth) OR (previous_percentage > 0 AND depth < previous_depth))'
      : undefined,
  previous: ({ dataset }) => (dataset === 'bookDepth' ? ['timestamp', 'percentage', 'depth'] : []),
} as const satisfies Check
