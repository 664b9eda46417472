import { US_PER_DAY } from '../../core/time.ts'
import { fieldsOf, partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { everyRow } from '../../lake/tables/scan-sql.ts'
import { addMissingColumns, writeRows } from '../../lake/tables/write-rows.ts'
import type { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ListedSymbol } from '../../sources/archive/listed-stretches.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { EXCHANGE_COLUMN, withExchange } from './exchange-column.ts'

/** The table of what the archive lists: silver.archive_listing. */
export const ARCHIVE_LISTING = tableKey('silver', 'archive_listing')

const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'market', type: 'string', doc: 'market of the exchange' },
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    { name: 'from_time', type: 'instant', doc: 'start of a stretch of files' },
    { name: 'to_time', type: 'instant', doc: 'its end' },
    EXCHANGE_COLUMN,
  ]),
  partition: [partitionField('market', 'identity')],
  sort: ['symbol', 'from_time'],
}

/** Replaces the listing of a market with what the archive of the exchange lists now. */
export async function keepListing(lake: Lake, exchange: string, market: string, symbols: readonly ListedSymbol[]): Promise<void> {
  const rows = symbols.flatMap(({ symbol, stretches }) =>
    stretches.map(({ start, end }) => `(${quote(symbol)}, make_timestamptz(${start}), make_timestamptz(${end}))`),
  )
  if (rows.length === 0) return
  await addMissingColumns(lake, ARCHIVE_LISTING, SHAPE)
  const table = await loadTable(lake.store, ARCHIVE_LISTING)
  // Markets of different exchanges may have the same name: they share a partition, and each exchange replaces its own rows.
  const others =
    table === undefined
      ? ''
      : `UNION ALL BY NAME SELECT * FROM (${withExchange(await everyRow(lake.session, table))}) WHERE market = ${quote(market)} AND exchange <> ${quote(exchange)}`
  const sql = `SELECT ${quote(market)} AS market, *, ${quote(exchange)} AS exchange FROM (VALUES ${rows.join(', ')}) AS v(symbol, from_time, to_time) ${others}`
  await writeRows(lake, ARCHIVE_LISTING, sql, { mode: 'overwrite', shape: SHAPE })
}

/** Adds the days for which an archive lists files. */
export async function noteListing(
  session: DuckDBSession,
  store: ObjectStore,
  seenDays: Relation<'exchange' | 'market' | 'symbol' | 'day'>,
): Promise<void> {
  const table = await loadTable(store, ARCHIVE_LISTING)
  if (table === undefined) return
  const days = `range(epoch_us(from_time) // ${US_PER_DAY}, epoch_us(to_time) // ${US_PER_DAY})`
  await seenDays.add(`SELECT exchange, market, symbol, unnest(${days}) AS day FROM (${withExchange(await everyRow(session, table))})`)
}
