import { createHash } from 'node:crypto'
import { LakehouseError } from '../../core/errors.ts'
import { formatInstant, US_PER_DAY } from '../../core/time.ts'
import { fieldsOf, partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { exchangeInfoKey, tableKey } from '../../lake/layout.ts'
import { everyRow } from '../../lake/tables/scan-sql.ts'
import { addMissingColumns, writeRows } from '../../lake/tables/write-rows.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { Source } from '../../sources/contract.ts'
import { SOURCES } from '../../sources/registry.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { EXCHANGE_COLUMN, withExchange } from './exchange-column.ts'

/** The table of the answers of exchanges about their symbols: silver.exchange_info. */
export const EXCHANGE_INFO = tableKey('silver', 'exchange_info')

const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'market', type: 'string', doc: 'market of the exchange' },
    { name: 'taken_at', type: 'instant', doc: 'when the exchange said it' },
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    { name: 'status', type: 'string', doc: 'TRADING, BREAK, SETTLING … as the exchange calls it' },
    { name: 'base', type: 'string', doc: 'base asset' },
    { name: 'quote', type: 'string', doc: 'quote asset' },
    { name: 'onboard_at', type: 'instant', doc: 'when a contract began to trade' },
    { name: 'delivery_at', type: 'instant', doc: 'when a contract is delivered; of perpetual ones in the year 2100' },
    { name: 'contract_size', type: 'double', doc: 'worth of one contract in the quote asset, of coin-margined futures' },
    { name: 'source_object', type: 'string', doc: 'the answer, as it was given, in bronze' },
    EXCHANGE_COLUMN,
  ]),
  partition: [partitionField('market', 'identity')],
  sort: ['taken_at', 'symbol'],
}

/** A summary of a stored answer. */
export type KeptExchangeInfo = {
  readonly exchange: string
  readonly market: string
  readonly takenAt: string
  readonly symbols: number
  readonly object: string
}

/**
 * Stores an answer of an exchange about its instruments: the bytes in bronze, the symbols in silver.exchange_info. The answer itself names its market. The same
 * answer is stored once. Throws EXCHANGE_INFO_INVALID.
 */
export async function keepExchangeInfo(lake: Lake, source: Source, bytes: Uint8Array, name: string): Promise<KeptExchangeInfo> {
  if (source.instruments === undefined)
    throw new LakehouseError(
      'EXCHANGE_INFO_INVALID',
      `cannot read ${name}: answers of ${source.name} about instruments are not supported; choose another exchange`,
      { details: { name } },
    )
  const { market, takenAt: taken, instruments } = source.instruments.parse(bytes, name)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const takenAt = formatInstant(taken)
  const object = exchangeInfoKey(source.id, market, takenAt, sha256)
  await lake.store.put(object, bytes)
  const instant = (us: number | undefined) => (us === undefined ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${us})`)
  const rows = instruments.map((one) => {
    const texts = [one.symbol, one.status, one.base, one.quote].map(quote)
    return `(${[...texts, instant(one.onboardAt), instant(one.deliveryAt), `${one.contractSize ?? 'NULL'}::DOUBLE`].join(', ')})`
  })
  const sql = `SELECT ${quote(market)} AS market, ${instant(taken)} AS taken_at, *, ${quote(object)} AS source_object, ${quote(source.id)} AS exchange
    FROM (VALUES ${rows.join(', ')}) AS v(symbol, status, base, quote, onboard_at, delivery_at, contract_size)`
  await addMissingColumns(lake, EXCHANGE_INFO, SHAPE)
  await writeRows(lake, EXCHANGE_INFO, sql, { mode: 'append', shape: SHAPE, once: sha256 })
  return { exchange: source.id, market, takenAt, symbols: instruments.length, object }
}

/** The answers of exchanges about their symbols. */
export type ToldBySource = {
  /** Days since 1970 on which a symbol was trading: the day of each answer, the days between two consecutive answers, and the days since the start of a contract. */
  readonly days: Relation<'exchange' | 'market' | 'symbol' | 'day'>
  /** The last answer about each symbol. */
  readonly symbols: Relation<'exchange' | 'market' | 'symbol' | 'base' | 'quote' | 'size'>
  /** The time of the newest answer of a market, and its trading symbols. */
  readonly answers: Relation<'exchange' | 'market' | 'day' | 'trading'>
}

/** Reads silver.exchange_info. The caller disposes of the relations. */
export async function readExchangeInfo(session: DuckDBSession, store: ObjectStore): Promise<ToldBySource> {
  const market = { exchange: 'VARCHAR', market: 'VARCHAR' } as const
  const told: ToldBySource = {
    days: await Relation.empty(session, { ...market, symbol: 'VARCHAR', day: 'BIGINT' }),
    symbols: await Relation.empty(session, { ...market, symbol: 'VARCHAR', base: 'VARCHAR', quote: 'VARCHAR', size: 'DOUBLE' }),
    answers: await Relation.empty(session, { ...market, day: 'BIGINT', trading: 'VARCHAR[]' }),
  }
  const table = await loadTable(store, EXCHANGE_INFO)
  if (table === undefined) return told
  const rows = withExchange(await everyRow(session, table))
  await told.symbols.add(
    `SELECT exchange, market, symbol, arg_max(base, taken_at) AS base, arg_max(quote, taken_at) AS quote, arg_max(contract_size, taken_at) AS size FROM (${rows}) GROUP BY ALL`,
  )
  const day = (time: string) => `epoch_us(${time}) // ${US_PER_DAY}`
  const isTrading = `(exchange, status) IN (${SOURCES.map(({ id, instruments }) => `(${quote(id)}, ${quote(instruments?.trading ?? '')})`).join(', ')})`
  await told.answers.add(`SELECT exchange, market, ${day('taken_at')} AS day, list(symbol) FILTER (${isTrading}) AS trading FROM (${rows})
    WHERE (exchange, market, taken_at) IN (SELECT (exchange, market, max(taken_at)) FROM (${rows}) GROUP BY exchange, market) GROUP BY ALL`)
  await told.days.add(`WITH answers AS (SELECT exchange, market, taken_at, lag(taken_at) OVER (PARTITION BY exchange, market ORDER BY taken_at) AS before
      FROM (SELECT DISTINCT exchange, market, taken_at FROM (${rows}))),
    trading AS (SELECT exchange, market, symbol, taken_at, onboard_at, lag(taken_at) OVER (PARTITION BY exchange, market, symbol ORDER BY taken_at) AS last_at FROM (${rows}) WHERE ${isTrading})
    SELECT exchange, market, symbol, unnest(range(CASE WHEN onboard_at < taken_at THEN ${day('onboard_at')} WHEN last_at = before THEN ${day('last_at')} ELSE ${day('taken_at')} END, ${day('taken_at')} + 1)) AS day
    FROM trading JOIN answers USING (exchange, market, taken_at)`)
  return told
}
