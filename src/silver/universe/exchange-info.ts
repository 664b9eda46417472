import { createHash } from 'node:crypto'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { Market } from '../../core/market.ts'
import { formatInstant, PLAUSIBLE_TIME, US_PER_DAY } from '../../core/time.ts'
import { fieldsOf, partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import { exchangeInfoKey, tableKey } from '../../lake/layout.ts'
import { everyRow } from '../../lake/tables/scan-sql.ts'
import { type WriteDeps, writeRows } from '../../lake/tables/write-rows.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'

/** Where what the exchange has said of its symbols lies: silver.exchange_info. */
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
  ]),
  partition: [partitionField('market', 'identity')],
  sort: ['taken_at', 'symbol'],
}

const milliseconds = z
  .number()
  .int()
  .min(PLAUSIBLE_TIME.start / 1000)

/** Perpetual contracts are delivered at the end of the year 2100. */
const plausible = milliseconds.max(PLAUSIBLE_TIME.end / 1000 - 1)

const symbolInfo = z.object({
  symbol: z.string().min(1),
  status: z.string().optional(),
  contractStatus: z.string().optional(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  onboardDate: plausible.optional(),
  deliveryDate: milliseconds.optional(),
  contractSize: z.number().positive().optional(),
})

const answer = z.object({
  serverTime: plausible,
  futuresType: z.string().optional(),
  symbols: z.array(symbolInfo).min(1),
})

/** What was kept of an answer. */
export type KeptExchangeInfo = { readonly market: Market; readonly takenAt: string; readonly symbols: number; readonly object: string }

/**
 * Keeps an answer of the exchange to exchangeInfo (spot, um or cm; which of them it tells itself): the bytes in bronze, its symbols in silver.exchange_info. The same answer is kept once. Throws
 * EXCHANGE_INFO_INVALID.
 */
export async function keepExchangeInfo(deps: WriteDeps, bytes: Uint8Array, name: string): Promise<KeptExchangeInfo> {
  const { serverTime, futuresType, symbols } = parse(bytes, name)
  const isCoin = symbols.some((one) => one.contractSize !== undefined)
  const market = isCoin ? 'cm' : futuresType === 'U_MARGINED' ? 'um' : 'spot'
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const takenAt = formatInstant(serverTime * 1000)
  const object = exchangeInfoKey(market, takenAt, sha256)
  await deps.store.put(object, bytes)
  const instant = (ms: number | undefined) => (ms === undefined ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${ms * 1000})`)
  const rows = symbols.map((one) => {
    const texts = [one.symbol, one.status ?? one.contractStatus ?? '', one.baseAsset, one.quoteAsset].map(quote)
    return `(${[...texts, instant(one.onboardDate), instant(one.deliveryDate), `${one.contractSize ?? 'NULL'}::DOUBLE`].join(', ')})`
  })
  const sql = `SELECT ${quote(market)} AS market, ${instant(serverTime)} AS taken_at, *, ${quote(object)} AS source_object
    FROM (VALUES ${rows.join(', ')}) AS v(symbol, status, base, quote, onboard_at, delivery_at, contract_size)`
  await writeRows(deps, EXCHANGE_INFO, sql, { mode: 'append', shape: SHAPE, once: sha256 })
  return { market, takenAt, symbols: symbols.length, object }
}

function parse(bytes: Uint8Array, name: string): z.infer<typeof answer> {
  try {
    return answer.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).split('\n').slice(0, 2).join(' ') : asLakehouseError(error).message
    throw new LakehouseError('EXCHANGE_INFO_INVALID', `${name} is no answer to exchangeInfo: ${why.slice(0, 300)}`, { details: { name } })
  }
}

/**
 * Puts into the temporary table `told_days` (market, symbol, day since 1970) the days on which the exchange has said that a symbol was trading: that of each answer, those between two answers
 * that both say so, and those since a contract began. What was last said of each symbol goes to `told` (market, symbol, base, quote, size), to `answered` (market, day, trading) when the newest answer
 * of a market was given and which symbols it says are trading.
 */
export async function noteExchangeInfo(session: DuckDBSession, store: ObjectStore): Promise<void> {
  await session.run('CREATE OR REPLACE TEMP TABLE told_days (market VARCHAR, symbol VARCHAR, day BIGINT)')
  await session.run('CREATE OR REPLACE TEMP TABLE answered (market VARCHAR, day BIGINT, trading VARCHAR[])')
  await session.run('CREATE OR REPLACE TEMP TABLE told (market VARCHAR, symbol VARCHAR, base VARCHAR, quote VARCHAR, size DOUBLE)')
  const table = await loadTable(store, EXCHANGE_INFO)
  if (table === undefined) return
  const rows = await everyRow(session, table)
  await session.run(
    `INSERT INTO told SELECT market, symbol, arg_max(base, taken_at), arg_max(quote, taken_at), arg_max(contract_size, taken_at) FROM (${rows}) GROUP BY ALL`,
  )
  const day = (time: string) => `epoch_us(${time}) // ${US_PER_DAY}`
  await session.run(`INSERT INTO answered SELECT market, ${day('taken_at')} AS day, list(symbol) FILTER (status = 'TRADING') FROM (${rows})
    WHERE (market, taken_at) IN (SELECT (market, max(taken_at)) FROM (${rows}) GROUP BY market) GROUP BY ALL`)
  await session.run(`INSERT INTO told_days
    WITH answers AS (SELECT market, taken_at, lag(taken_at) OVER (PARTITION BY market ORDER BY taken_at) AS before FROM (SELECT DISTINCT market, taken_at FROM (${rows}))),
    trading AS (SELECT market, symbol, taken_at, onboard_at, lag(taken_at) OVER (PARTITION BY market, symbol ORDER BY taken_at) AS last_at FROM (${rows}) WHERE status = 'TRADING')
    SELECT market, symbol, unnest(range(CASE WHEN onboard_at < taken_at THEN ${day('onboard_at')} WHEN last_at = before THEN ${day('last_at')} ELSE ${day('taken_at')} END, ${day('taken_at')} + 1)) AS day
    FROM trading JOIN answers USING (market, taken_at)`)
}
