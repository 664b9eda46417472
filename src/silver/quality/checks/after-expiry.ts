import { contractOf, marketOf } from '../../../sources/series.ts'
import type { Check } from './check.ts'

export const afterExpiry = {
  id: 'after_expiry',
  severity: 'error',
  dimension: 'validity',
  meaning: 'the rows are later than the day on which the contract expired, as its symbol says: they are not trades of it',
  condition: (series) => {
    if (marketOf(series).kind === 'spot') return undefined
    const time = contractOf(series).eventTime
    // Names with a day are few, so most rows are decided by the first condition.
    return `contains(symbol, '_') AND epoch_us(${time}) >= epoch_us(try_strptime('20' || regexp_extract(symbol, '_(\\d{6})$', 1), '%Y%m%d') + INTERVAL 1 DAY)`
  },
} as const satisfies Check
