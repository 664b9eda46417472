import { isCountedInBase, sourceOf, tradedNames } from '../../sources/series.ts'
import { type Aggregation, amountSum } from './aggregation.ts'

export const crossSection = {
  id: 'cross_section',
  meaning:
    'all symbols of a time side by side: return of the period, its rank from 0 to 1, its distance from the mean in standard deviations, and the share of the value traded in its quote asset (for coin-margined futures, at the closes of the bars)',
  inputs: { bars: 'klines' },
  options: { minutes: 1440 },
  sql: ({ bars = '' }, { minutes = 1440 }, market) => {
    const { value } = tradedNames(market)
    // Quote values of different coins can be added; amounts of different coins cannot.
    const quoteValue = isCountedInBase(market) ? value : `${value} * close`
    return `WITH periods AS (SELECT symbol, time_bucket(to_minutes(${minutes}), open_time) AS open_time, arg_min(open, open_time) AS open, arg_max(close, open_time) AS close, ${amountSum(quoteValue)} AS traded FROM (${bars}) GROUP BY ALL),
      moved AS (SELECT *, close / open - 1 AS return FROM periods)
      SELECT open_time, symbol, close, return, percent_rank() OVER at_time AS rank, (return - avg(return) OVER all_then) / nullif(stddev_pop(return) OVER all_then, 0) AS zscore, traded,
        traded / nullif(sum(traded) OVER of_quote, 0) AS share, count(*) OVER all_then AS symbols
      FROM moved WINDOW at_time AS (PARTITION BY open_time ORDER BY return), all_then AS (PARTITION BY open_time), of_quote AS (PARTITION BY open_time, ${sourceOf(market).symbols.quoteSql('symbol')}) ORDER BY open_time, symbol`
  },
} as const satisfies Aggregation
