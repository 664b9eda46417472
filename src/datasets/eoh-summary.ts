import { type Column, column, type DatasetContract, eventTime, type Measure, PARQUET, type Role } from './contract.ts'

/** Every option at the end of each hour: prices, greeks, open interest. */
export const EOHSummary = {
  id: 'EOHSummary',
  meaning: 'Every option at the end of each hour: prices, greeks, open interest',
  kind: 'options',
  columns,
  key: ['symbol', 'time', 'contract'],
  eventTime: 'time',
  partition: () => 'month',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

function columns(): readonly Column[] {
  const number = (name: string, unit: string, facts: { readonly measure?: Measure; readonly roles?: readonly Role[] } = {}) =>
    column(name, 'double', unit, { optional: true, ...facts })
  // The value of an option may be zero.
  const price = (name: string, ...roles: readonly Role[]) => number(name, 'quote asset', { measure: 'price', roles })
  return [
    eventTime('time', 'µs UTC, the hour that begins then'),
    column('contract', 'string', 'option'),
    column('type', 'string', 'C or P'),
    column('strike', 'string', 'expiry and strike'),
    price('open', 'open'),
    price('high', 'high'),
    price('low', 'low'),
    price('close', 'close'),
    number('volume_contracts', 'contracts', { measure: 'amount' }),
    number('volume_usdt', 'USDT'),
    number('best_bid_price', 'quote asset'),
    number('best_ask_price', 'quote asset'),
    number('best_bid_qty', 'contracts'),
    number('best_ask_qty', 'contracts'),
    number('best_buy_iv', 'ratio'),
    number('best_sell_iv', 'ratio'),
    price('mark_price'),
    number('mark_iv', 'ratio'),
    number('delta', 'ratio'),
    number('gamma', 'ratio'),
    number('vega', 'ratio'),
    number('theta', 'ratio'),
    number('open_interest_contracts', 'contracts', { measure: 'amount' }),
    number('open_interest_usdt', 'USDT'),
  ]
}
