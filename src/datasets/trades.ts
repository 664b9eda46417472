import { amount, type Column, column, type DatasetContract, eventTime, type MarketUnits, PARQUET, price, unitNames } from './contract.ts'

/** Single trades. */
export const trades = {
  id: 'trades',
  meaning: 'Single trades',
  kind: 'trades',
  columns,
  key: ['symbol', 'id'],
  eventTime: 'time',
  partition: () => 'day',
  cadence: () => undefined,
  parquet: PARQUET,
} as const satisfies DatasetContract

/** In markets that count contracts, the value is in the base asset. */
function columns(units: MarketUnits): readonly Column[] {
  const names = unitNames(units)
  return [
    column('id', 'long', 'trade id', { roles: ['sequence', 'first_trade_id', 'last_trade_id'] }),
    price('price', 'price'),
    amount(units.amounts === 'contracts' ? 'contracts' : 'qty', names.amount, 'amount'),
    amount(`${units.values}_qty`, names.value, 'value'),
    eventTime('time'),
    column('is_buyer_maker', 'boolean', 'the buyer stood in the book: the seller took', { roles: ['buyer_is_maker'] }),
    ...bestMatch(units),
  ]
}

/** The column for markets whose trades say whether they were at the best price. */
export function bestMatch(units: MarketUnits): readonly Column[] {
  return units.bestMatch === true ? [column('is_best_match', 'boolean', 'at the best price')] : []
}
