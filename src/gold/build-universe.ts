import { createHash } from 'node:crypto'
import { asLakehouseError } from '../core/errors.ts'
import { fieldsOf, type TableShape } from '../lake/iceberg/schema.ts'
import { currentFiles, loadTable } from '../lake/iceberg/table.ts'
import type { Lake } from '../lake/lake.ts'
import { tableKey } from '../lake/layout.ts'
import { lostFiles } from '../lake/tables/lost-files.ts'
import { addMissingColumns, writeRows } from '../lake/tables/write-rows.ts'
import { quote } from '../platform/duckdb/session.ts'
import { ARCHIVE_LISTING } from '../silver/universe/archive-listing.ts'
import { EXCHANGE_COLUMN } from '../silver/universe/exchange-column.ts'
import { EXCHANGE_INFO } from '../silver/universe/exchange-info.ts'
import { type Listing, universe } from '../silver/universe/universe.ts'
import { seriesOf } from '../sources/series.ts'

/** The table of listings: gold.universe. */
export const UNIVERSE = tableKey('gold', 'universe')

const SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'market', type: 'string', doc: 'market of the exchange' },
    { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
    { name: 'listing', type: 'long', doc: 'from 1: a ticker that comes back after a long break is another listing' },
    { name: 'base', type: 'string', doc: 'base asset' },
    { name: 'quote', type: 'string', doc: 'quote asset' },
    { name: 'contract_type', type: 'string', doc: 'spot, perpetual, delivery, option or settled' },
    { name: 'contract_size', type: 'double', doc: 'worth of one contract in the quote asset, of coin-margined futures' },
    { name: 'multiplier', type: 'long', doc: 'units of the base asset that one unit of the symbol stands for' },
    { name: 'is_leveraged', type: 'boolean', doc: 'a token that holds a position' },
    { name: 'is_stable_pair', type: 'boolean', doc: 'one stable coin against another' },
    {
      name: 'first_seen',
      type: 'instant',
      doc: 'start of the first day that it was seen: with a row, or a file in the archive, or trading as the exchange says',
    },
    { name: 'last_seen', type: 'instant', doc: 'end of the last day that it was seen' },
    {
      name: 'status',
      type: 'string',
      doc: 'trading or ended, as the newest answer of the exchange says, else by the end of what is known of the market',
    },
    EXCHANGE_COLUMN,
  ]),
  partition: [],
  sort: ['market', 'symbol', 'listing'],
}

/** The maximum number of attempts. When another run has written the table in the meantime, it is built again from the current tables. */
const ROUNDS = 8

/** Increase this number when the same rows would give other listings. */
const UNIVERSE_VERSION = 1

/** The table property that identifies the snapshots from which the table was built. */
const PROPERTY = 'lakehouse.universe'

/**
 * Builds gold.universe from the silver tables: which symbols existed at which time. Returns the number of listings.
 * Returns undefined when the table already comes from the current snapshots.
 */
export async function buildUniverse(lake: Lake): Promise<number | undefined> {
  for (let round = 1; ; round++) {
    const table = await loadTable(lake.store, UNIVERSE)
    const before = table?.metadata.properties[PROPERTY]
    const value = await sourcesOf(lake)
    const live = table === undefined ? [] : await currentFiles(table)
    if (before === value && (await lostFiles(lake.store, UNIVERSE, live)).size === 0) return undefined
    const listings = await universe(lake, { exchanges: [], markets: [], at: undefined, quotes: [], contractTypes: [], plain: false })
    if (listings.length === 0) return 0
    try {
      await addMissingColumns(lake, UNIVERSE, SHAPE)
      const mark = { name: PROPERTY, before, value }
      return (await writeRows(lake, UNIVERSE, valuesOf(listings), { mode: 'overwrite', shape: SHAPE, mark })).rows
    } catch (error) {
      if (asLakehouseError(error).code !== 'COMMIT_CONFLICT' || round === ROUNDS) throw error
    }
  }
}

async function sourcesOf(lake: Lake): Promise<string> {
  const sources = [`rules ${UNIVERSE_VERSION}`]
  for (const name of await lake.tables('silver'))
    if (seriesOf(name) !== undefined || [EXCHANGE_INFO, ARCHIVE_LISTING].includes(tableKey('silver', name)))
      sources.push(`${name}@${(await lake.findTable('silver', name))?.metadata['current-snapshot-id']}`)
  return createHash('sha256').update(sources.sort().join('\n')).digest('hex')
}

function valuesOf(listings: readonly Listing[]): string {
  const rows = listings.map(
    (one) =>
      `(${[one.exchange, one.market, one.symbol, one.base, one.quote, one.contractType, one.firstSeen, one.lastSeen, one.status].map(quote).join(', ')}, ${one.listing}, ${one.contractSize ?? 'NULL'}::DOUBLE, ${one.multiplier}, ${one.isLeveraged}, ${one.isStablePair})`,
  )
  const names =
    'exchange, market, symbol, base, quote, contract_type, first_seen, last_seen, status, listing, contract_size, multiplier, is_leveraged, is_stable_pair'
  return `SELECT * REPLACE (first_seen::TIMESTAMPTZ AS first_seen, last_seen::TIMESTAMPTZ AS last_seen) FROM (VALUES ${rows.join(', ')}) AS v(${names})`
}
