import type { Market } from '../../core/market.ts'
import { US_PER_DAY } from '../../core/time.ts'
import { fieldsOf, partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import { tableKey } from '../../lake/layout.ts'
import { everyRow } from '../../lake/tables/scan-sql.ts'
import { type WriteDeps, writeRows } from '../../lake/tables/write-rows.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ListedSymbol } from '../../sources/binance/archive/listed-stretches.ts'
import type { ObjectStore } from '../../storage/object-store.ts'

/** Where what the archive lists lies: silver.archive_listing. */
export const ARCHIVE_LISTING = tableKey('silver', 'archive_listing')

const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'market', type: 'string', doc: 'market of the exchange' },
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    { name: 'from_time', type: 'instant', doc: 'start of a stretch of files' },
    { name: 'to_time', type: 'instant', doc: 'its end' },
  ]),
  partition: [partitionField('market', 'identity')],
  sort: ['symbol', 'from_time'],
}

/** Puts what the archive lists of a market in the place of what is known of it. */
export async function keepListing(deps: WriteDeps, market: Market, symbols: readonly ListedSymbol[]): Promise<void> {
  const rows = symbols.flatMap(({ symbol, stretches }) =>
    stretches.map(({ start, end }) => `(${quote(symbol)}, make_timestamptz(${start}), make_timestamptz(${end}))`),
  )
  if (rows.length === 0) return
  const sql = `SELECT ${quote(market)} AS market, * FROM (VALUES ${rows.join(', ')}) AS v(symbol, from_time, to_time)`
  await writeRows(deps, ARCHIVE_LISTING, sql, { mode: 'overwrite', shape: SHAPE })
}

/** Adds the days of which the archive lists files to the temporary table `seen_days` (market, symbol, day since 1970). */
export async function noteListing(session: DuckDBSession, store: ObjectStore): Promise<void> {
  const table = await loadTable(store, ARCHIVE_LISTING)
  if (table === undefined) return
  await session.run(`INSERT INTO seen_days SELECT market, symbol, unnest(range(epoch_us(from_time) // ${US_PER_DAY}, epoch_us(to_time) // ${US_PER_DAY}))
    FROM (${await everyRow(session, table)})`)
}
