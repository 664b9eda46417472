import { columnNames } from '../../sources/series.ts'
import type { Aggregation } from './aggregation.ts'

export const basis = {
  id: 'basis',
  meaning:
    'the distance of the mark price from the index, the premium, the last funding rate known at the close of the bar, and the basis minus that rate',
  inputs: { mark: 'markPriceKlines', index: 'indexPriceKlines', premium: 'premiumIndexKlines', funding: 'fundingRate' },
  options: {},
  sql: ({ mark = '', index = '', premium = '', funding = '' }, _options, market) => {
    const { event_time: at, rate } = columnNames({ ...market, dataset: 'fundingRate' }, 'event_time', 'rate')
    return `
    WITH priced AS (SELECT m.symbol, m.open_time, m.close_time, m.close AS mark, i.close AS index, p.close AS premium
        FROM (${mark}) m JOIN (${index}) i ON i.symbol = m.symbol AND i.open_time = m.open_time LEFT JOIN (${premium}) p ON p.symbol = m.symbol AND p.open_time = m.open_time)
      SELECT b.symbol, b.open_time, mark, index, mark / index - 1 AS basis, premium, f.${rate} AS funding_rate, f.${at} AS funding_time, mark / index - 1 - f.${rate} AS adjusted_basis
      FROM priced b ASOF LEFT JOIN (${funding}) f ON f.symbol = b.symbol AND f.${at} <= b.close_time ORDER BY b.symbol, b.open_time`
  },
} as const satisfies Aggregation
