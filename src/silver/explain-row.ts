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
import { contractOf, formatOf, type Series, silverColumns, silverTableName } from '../sources/series.ts'
import { revisionsIn } from './compare/reconcile.ts'

/** Where a row comes from: the object (or, for a row that fills a gap, the table that it is made of), its revision, the line in it (from 1) and the line's text; the data file of the table that holds it. */
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
}

/** So many rows of one symbol at one instant are explained. */
const LISTED = 20

/** Where the rows of a symbol at an instant (µs) come from, in the order of their keys; `id` chooses among those of one instant. Throws TABLE_NOT_FOUND, ROW_NOT_FOUND. */
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
  for (const file of files) {
    const chosen = id === undefined ? 'true' : `${quoteName(key[1] ?? eventTime)}::VARCHAR = ${quote(id)}`
    const rows = await session.jsonRows(`SELECT * FROM (${await scanSql(session, table, table.shape, [file])})
      WHERE symbol = ${quote(symbol)} AND epoch_us(${quoteName(eventTime)}) = ${at} AND ${chosen} ORDER BY ${key.map(quoteName).join(', ')} LIMIT ${LISTED}`)
    for (const row of rows) {
      const object = String(row['source_object'])
      const source = String(row['source'])
      if (source !== 'archive') {
        // Made of a table, not of an object: silver.fills tells of which gap and how.
        origins.push({ row, source, object, sha256: null, revision: 0, revisions: 0, line: null, text: null, dataFile: file.path })
        continue
      }
      const known = await revisionsIn(session, fold, object)
      const current = known.findIndex((one) => one.current)
      const line = findLine(await store.files.open(bronzeKey(object)), series, row, at, maxEntryBytes)
      const [sha256 = null] = current < 0 ? [] : [known[current]?.sha256]
      const shownId = { revision: current + 1, revisions: known.length, line: line?.number ?? null, text: line?.text ?? null }
      origins.push({ row, source, object, sha256, ...shownId, dataFile: file.path })
    }
  }
  if (origins.length > 0) return origins
  throw new LakehouseError('ROW_NOT_FOUND', `silver.${name} has no row of ${symbol} at ${formatInstant(at)}`, {
    details: { table: `silver.${name}`, symbol },
  })
}

/** The line of a zipped CSV that a row was made of: the first of its time, and of its other numbers where several have that. */
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

/** Microseconds of a published instant in any of its notations; NaN for none. */
function instantOf(text: string): number {
  if (/^\d{13,}$/.test(text)) return text.length >= 16 ? Number(text) : Number(text) * 1000
  return parseInstant(text) ?? Number.NaN
}
