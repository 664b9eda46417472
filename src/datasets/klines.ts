import { BARS } from './bars.ts'
import { amount, type Column, column, type DatasetContract, eventTime, type MarketUnits, price, unitNames } from './contract.ts'

/** Candlesticks: one bar per symbol and interval. */
export const klines = {
  ...BARS,
  id: 'klines',
  meaning: 'Open, high, low, close and traded amounts of one interval',
  columns,
} as const satisfies DatasetContract

/** In markets that count contracts, the value is in the base asset. */
function columns(units: MarketUnits): readonly Column[] {
  const names = unitNames(units)
  const inContracts = units.amounts === 'contracts'
  const [traded, quoteValue] = inContracts ? ['contracts', 'base_volume'] : ['volume', 'quote_volume']
  return [
    eventTime('open_time'),
    price('open', 'open'),
    price('high', 'high'),
    price('low', 'low'),
    price('close', 'close'),
    amount(traded, names.amount, 'amount'),
    column('close_time', 'instant', 'µs UTC', { roles: ['close_time'] }),
    amount(quoteValue, names.value, 'value'),
    column('trade_count', 'long', 'trades', { roles: ['trade_count'], measure: 'amount' }),
    amount(`taker_buy_${traded}`, names.amount, 'taker_amount'),
    amount(`taker_buy_${quoteValue}`, names.value, 'taker_value'),
  ]
}
