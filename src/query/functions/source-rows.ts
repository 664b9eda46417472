import { LakehouseError } from '../../core/errors.ts'
import { parseInstant, type TimeRange, utc } from '../../core/time.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { shownId } from '../../lake/iceberg/metadata.ts'
import { type Predicate, planScan } from '../../lake/iceberg/scan.ts'
import type { TableShape } from '../../lake/iceberg/schema.ts'
import { liveFiles, loadTable, required, shapeAt, snapshotOf } from '../../lake/iceberg/table.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { boundTable } from '../bound-table.ts'
import type { FunctionContext } from './table-function.ts'

type Source = { readonly rows: string; readonly files: readonly DataFile[]; readonly shape: TableShape; readonly snapshot: string }

/** A table's rows of some symbols (names or patterns with * and ?, with commas between them) within a range of time, as SQL, and the files that they lie in. */
export async function sourceOf(
  { session, store, asOf, onRead }: FunctionContext,
  name: string,
  symbols: string,
  range?: TimeRange,
): Promise<Source> {
  const root = name.replace('.', '/')
  const table = required(await loadTable(store, root), root)
  const snapshot = snapshotOf(table, asOf)
  const shape = asOf === undefined ? table.shape : shapeAt(table, snapshot)
  const time = shape.fields.find((field) => field.type === 'timestamptz')?.name ?? 'open_time'
  const names = symbols.split(',').map((one) => one.trim())
  const isPlain = !/[*?[]/.test(symbols)
  const predicates: Predicate[] = isPlain ? [{ column: 'symbol', op: 'in', values: names }] : []
  if (range !== undefined) predicates.push({ column: time, op: '>=', value: range.start }, { column: time, op: '<', value: range.end })
  const plan = await planScan(table, snapshot, predicates, shape)
  const { files } = plan
  onRead?.(boundTable(name, snapshot, plan))
  const chosen = isPlain
    ? `symbol IN (${names.map(quote).join(', ')})`
    : `(${names.map((one) => `symbol GLOB ${quote(one)}`).join(' OR ')})`
  const within =
    range === undefined
      ? ''
      : ` AND ${quoteName(time)} >= make_timestamptz(${range.start}) AND ${quoteName(time)} < make_timestamptz(${range.end})`
  const planned = new Set(files.map(({ path }) => path))
  // A plan keeps the bounds of its conditions' columns alone: here those of every column are asked for.
  const whole: DataFile[] = []
  for await (const file of liveFiles(table, snapshot)) if (planned.has(file.path)) whole.push(file)
  return {
    rows: `SELECT * FROM (${await scanSql(session, table, shape, files)}) WHERE ${chosen}${within}`,
    files: whole,
    shape,
    snapshot: snapshot === undefined ? '' : String(shownId(snapshot['snapshot-id'])),
  }
}

/** The range that two arguments name, undefined where both are empty. Throws USAGE. */
export function rangeOf(from: string, to: string): TimeRange | undefined {
  if (from === '' && to === '') return undefined
  const [start, end] = [from === '' ? utc(2009) : parseInstant(from), to === '' ? utc(2100) : parseInstant(to)]
  if (start === undefined || end === undefined || start >= end)
    throw new LakehouseError('USAGE', `"${from}" to "${to}" is not a time range: write YYYY-MM-DD or ISO 8601`)
  return { start, end }
}

/** Throws USAGE for lengths (µs) that are not multiples of the source's bars: a bar would hold rows beyond its end. */
export function checkCut(source: string, fineUs: number | undefined, lengths: readonly number[]): void {
  if (fineUs === undefined || lengths.some((us) => us % fineUs !== 0))
    throw new LakehouseError('USAGE', `bars of ${source} cannot be put together to these: lengths and offsets are whole numbers of them`, {
      details: { source },
    })
}
