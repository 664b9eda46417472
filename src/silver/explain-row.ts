import { LakehouseError } from '../core/errors.ts'
import { formatInstant, parseInstant } from '../core/time.ts'
import { planScan } from '../lake/iceberg/scan.ts'
import { snapshotOf } from '../lake/iceberg/table.ts'
import type { Lake } from '../lake/lake.ts'
import { bronzeKey } from '../lake/layout.ts'
import { scanSql } from '../lake/tables/scan-sql.ts'
import { quote, quoteName } from '../platform/duckdb/session.ts'
import { sniffLayout } from '../sources/csv/csv-header.ts'
import { ZipReader } from '../sources/csv/zip-entry.ts'
import { belongsSql } from '../sources/object-sql.ts'
import { contractOf, formatOf, type Series, silverColumns, silverTableName } from '../sources/series.ts'
import { revisionsIn } from './compare/reconcile.ts'

/** A row that had the key of another row and other values, and was dropped. */
type Dropped = { readonly object: string; readonly row: Readonly<Record<string, unknown>> }

/**
 * The origin of a row: the object (for a filled row, its source table), the revision, the line number (from 1), the text of the line, the data file with the row, and
 * the rows that were dropped for it although they have other values.
 */
export type RowOrigin = {
  readonly row: Readonly<Record<string, unknown>>
  readonly source: string
  readonly object: string
  readonly sha256: string | null
  readonly revision: number
  readonly revisions: number
  readonly line: number | null
  readonly text: string | null
  readonly dataFile: string
  readonly conflicts: readonly Dropped[]
}

/** At most this many rows of one symbol at one instant are explained. */
const LISTED = 20

/** The origins of the rows of a symbol at an instant (µs), in key order; `id` chooses one of several rows. Throws TABLE_NOT_FOUND, ROW_NOT_FOUND. */
export async function explainRow(
  lake: Lake,
  series: Series,
  { symbol, at, id, maxEntryBytes }: { symbol: string; at: number; id: string | undefined; maxEntryBytes: number },
): Promise<RowOrigin[]> {
  const { store, session } = lake
  const { eventTime, key } = contractOf(series)
  const name = silverTableName(series)
  const table = await lake.table('silver', name)
  const origins: RowOrigin[] = []
  const { files } = await planScan(table, snapshotOf(table, undefined), [
    { column: 'symbol', op: '=', value: symbol },
    { column: eventTime, op: '=', value: at },
  ])
  await using fold = await lake.readLedger()
  const dropped = await session.rows(`SELECT kept, dropped FROM (${fold.conflicts})
    WHERE ${belongsSql(series, 'key')} AND (kept->>'symbol') = ${quote(symbol)} AND epoch_us(time::TIMESTAMPTZ) = ${at} ORDER BY key, dropped`)
  const ids = key.filter((column) => column !== 'symbol' && column !== eventTime)
  for (const file of files) {
    const chosen = id === undefined ? 'true' : `${quoteName(key[1] ?? eventTime)}::VARCHAR = ${quote(id)}`
    const rows = await session.jsonRows(`SELECT * FROM (${await scanSql(session, table, table.shape, [file])})
      WHERE symbol = ${quote(symbol)} AND epoch_us(${quoteName(eventTime)}) = ${at} AND ${chosen} ORDER BY ${key.map(quoteName).join(', ')} LIMIT ${LISTED}`)
    for (const row of rows) {
      const object = String(row['source_object'])
      const source = String(row['source'])
      const conflicts = dropped.flatMap((one): Dropped[] => {
        const [kept, other] = [one['kept'], one['dropped']].map((text) => JSON.parse(String(text)) as Dropped['row'])
        const isOfRow = other !== undefined && ids.every((column) => String(kept?.[column]) === String(row[column]))
        return isOfRow ? [{ object: String(other['source_object']), row: other }] : []
      })
      if (source !== 'archive') {
        // The row comes from a table, not from an object. silver.fills has its gap and method.
        origins.push({
          row,
          source,
          object,
          sha256: null,
          revision: 0,
          revisions: 0,
          line: null,
          text: null,
          dataFile: file.path,
          conflicts,
        })
        continue
      }
      const known = await revisionsIn(session, fold, object)
      const current = known.findIndex((one) => one.current)
      const line = findLine(await store.files.open(bronzeKey(object)), series, row, at, maxEntryBytes)
      const [sha256 = null] = current < 0 ? [] : [known[current]?.sha256]
      const shownId = { revision: current + 1, revisions: known.length, line: line?.number ?? null, text: line?.text ?? null }
      origins.push({ row, source, object, sha256, ...shownId, dataFile: file.path, conflicts })
    }
  }
  if (origins.length > 0) return origins
  throw new LakehouseError(
    'ROW_NOT_FOUND',
    `silver.${name} does not have a row of ${symbol} at ${formatInstant(at)}: search for rows with \`query\``,
    {
      details: { table: `silver.${name}`, symbol },
    },
  )
}

/** The line of a zipped CSV that gave a row: the first line with its time, and with its other numbers if several lines have that time. */
function findLine(path: string, series: Series, row: Readonly<Record<string, unknown>>, at: number, maxEntryBytes: number) {
  const columns = formatOf(series).columns
  const zips = new ZipReader()
  const bytes = zips.openFile(path)
  try {
    const entry = zips.openEntry(bytes, path, maxEntryBytes)
    const pieces: Buffer[] = []
    for (let piece = entry.next(); piece !== undefined; piece = entry.next()) pieces.push(Buffer.from(piece))
    const csv = Buffer.concat(pieces)
    const { positions, dataStart, dataLine } = sniffLayout(csv, columns, path)
    const { eventTime } = contractOf(series)
    const place = (wanted: (index: number) => boolean) => positions.findIndex((index) => index >= 0 && wanted(index))
    const time = place((index) => columns[index]?.name === eventTime)
    const hour = place((index) => columns[index]?.type === 'hour')
    const others = silverColumns(series).flatMap(({ name, type }) => {
      const field = place((index) => columns[index]?.name === name)
      return field < 0 || (type !== 'double' && type !== 'long') ? [] : [{ field, value: row[name] }]
    })
    let number = dataLine
    for (const text of csv.toString('utf8', dataStart).split('\n')) {
      const fields = text.replace(/\r$/, '').split(',')
      const isIt = instantOf(fields[time] ?? '') + Number(fields[hour] ?? 0) * 3_600_000_000 === at
      const same = ({ field, value }: (typeof others)[number]) =>
        value === null
          ? Number.isNaN(Number(fields[field] || Number.NaN)) || /^"*$/.test(fields[field] ?? '')
          : Number(fields[field]) === Number(value)
      if (isIt && others.every(same)) return { number, text: text.replace(/\r$/, '') }
      number++
    }
    return undefined
  } finally {
    bytes.close()
  }
}

/** Microseconds of a published instant in any notation; NaN for any other text. */
function instantOf(text: string): number {
  if (/^\d{13,}$/.test(text)) return text.length >= 16 ? Number(text) : Number(text) * 1000
  return parseInstant(text) ?? Number.NaN
}
