import { tradedNames } from '../../sources/series.ts'
import { type Aggregation, amountSum } from './aggregation.ts'

export const volumeProfile = {
  id: 'volume_profile',
  meaning:
    'the amount traded per day and price step: equal steps from the lowest to the highest price, the share of each step, whether it is the point of control, and whether it lies in the value area of 70 %',
  inputs: { bars: 'klines' },
  options: { steps: 24 },
  sql: ({ bars = '' }, { steps = 24 }, market) => {
    const { amount } = tradedNames(market)
    return `WITH priced AS (SELECT symbol, open_time::DATE AS day, (high + low + close) / 3 AS price, ${amount} AS amount, min(low) OVER of_day AS bottom, max(high) OVER of_day AS top
        FROM (${bars}) WINDOW of_day AS (PARTITION BY symbol, open_time::DATE)),
      steps AS (SELECT symbol, day, CASE WHEN top > bottom THEN least(${steps - 1}, floor((price - bottom) / (top - bottom) * ${steps})) ELSE 0 END::INTEGER AS step, any_value(bottom) AS bottom, any_value(top) AS top, ${amountSum('amount')} AS amount FROM priced GROUP BY ALL),
      shared AS (SELECT *, amount / nullif(sum(amount) OVER (PARTITION BY symbol, day), 0) AS share, row_number() OVER (PARTITION BY symbol, day ORDER BY amount DESC, step) AS place FROM steps)
      SELECT symbol, day, step, bottom + (top - bottom) * step / ${steps} AS price_from, bottom + (top - bottom) * (step + 1) / ${steps} AS price_to, amount, share, place = 1 AS is_point_of_control,
        coalesce(sum(share) OVER (PARTITION BY symbol, day ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) < 0.7 AS is_value_area
      FROM shared ORDER BY symbol, day, step`
  },
} as const satisfies Aggregation
