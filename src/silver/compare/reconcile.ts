import { LakehouseError } from '../../core/errors.ts'
import type { Lake } from '../../lake/lake.ts'
import { bronzeKey, revisionKey, tableKey } from '../../lake/layout.ts'
import type { LedgerFold } from '../../lake/ledger/fold.ts'
import { writeRows } from '../../lake/tables/write-rows.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { type Series, silverTableName } from '../../sources/series.ts'
import { type ObjectStore, openAll } from '../../storage/object-store.ts'
import { type DecodeLimits, decodableObjects } from '../build/inputs.ts'
import { reportShape } from '../quality/report-shape.ts'
import { compareObjects, type ObjectBytes, onDays, type RowComparison } from './compare-objects.ts'

/** How the monthly file of a symbol agrees with its daily files, if the lake has both. The monthly file wins: the exchange makes it later, from corrected data. */
export type Reconciliation = {
  readonly table: string
  readonly symbol: string
  readonly month: string
  readonly days: number
  readonly equal: number
  readonly differing: number
  readonly onlyMonthly: number
  readonly onlyDaily: number
  readonly columns: Readonly<Record<string, number>>
  readonly winner: 'monthly'
  readonly rows: RowComparison['rows']
}

/** At most this many differing rows are returned per month. */
const LISTED = 20

/** Compares monthly with daily files, month by month, and replaces the table's entries in silver.reconciliation. */
export async function reconcile(lake: Lake, series: Series, limits: DecodeLimits): Promise<Reconciliation[]> {
  const { store, session } = lake
  const table = `silver.${silverTableName(series)}`
  await using fold = await lake.readLedger()
  const found = await session.rows(
    // Objects that the decoder has refused are in quarantine.
    `SELECT key, d.sha256 AS sha256 FROM (${decodableObjects(fold, series, limits)}) d JOIN ${fold.objects} o USING (key) WHERE NOT o.lost ORDER BY key`,
  )
  type Held = { readonly key: string; readonly sha256: string; readonly date: string }
  const months = new Map<string, { monthly?: Held; daily: Held[]; symbol: string; month: string }>()
  for (const row of found) {
    const key = String(row['key'])
    const { symbol, period, date } = parseObjectKey(key)
    const name = `${symbol} ${date.slice(0, 7)}`
    const month = months.get(name) ?? { daily: [], symbol, month: date.slice(0, 7) }
    const held = { key, sha256: String(row['sha256']), date }
    if (period === 'monthly') month.monthly = held
    else month.daily.push(held)
    months.set(name, month)
  }
  const reconciled: Reconciliation[] = []
  for (const { monthly, daily, symbol, month } of months.values()) {
    if (monthly === undefined || daily.length === 0) continue
    const days = daily.map(({ date }) => date)
    const [monthlyBytes, ...dailyBytes] = await openObjects(store, [monthly, ...daily])
    const { onlyLeft, onlyRight, ...compared } = await compareObjects(
      session,
      series,
      dailyBytes,
      monthlyBytes === undefined ? [] : [monthlyBytes],
      { ...limits, only: onDays(series, days), limit: LISTED },
    )
    reconciled.push({
      table,
      symbol,
      month,
      days: days.length,
      ...compared,
      onlyDaily: onlyLeft,
      onlyMonthly: onlyRight,
      winner: 'monthly',
    })
  }
  if (reconciled.length > 0) await record(lake, reconciled)
  return reconciled
}

const RECONCILIATION = reportShape(
  {
    symbol: 'string',
    month: 'string',
    days: 'long',
    equal_rows: 'long',
    differing_rows: 'long',
    only_monthly: 'long',
    only_daily: 'long',
    columns: 'string',
    winner: 'string',
  },
  ['symbol', 'month'],
)

async function openObjects(store: ObjectStore, objects: readonly Omit<ObjectBytes, 'path'>[]): Promise<ObjectBytes[]> {
  const paths = await openAll(
    store,
    objects.map(({ key }) => bronzeKey(key)),
  )
  return objects.map(({ key, sha256 }, index) => ({ key, sha256, path: paths[index] ?? '' }))
}

async function record(lake: Lake, reconciled: readonly Reconciliation[]): Promise<void> {
  const values = reconciled.map(
    (one) =>
      `(${[one.table, one.symbol, one.month].map(quote).join(', ')}, ${[one.days, one.equal, one.differing, one.onlyMonthly, one.onlyDaily].map((n) => `${n}::BIGINT`).join(', ')}, ${quote(JSON.stringify(one.columns))}, ${quote(one.winner)})`,
  )
  const names = RECONCILIATION.fields.map(({ name }) => name)
  await writeRows(lake, tableKey('silver', 'reconciliation'), `SELECT * FROM (VALUES ${values.join(', ')}) AS v(${names.join(', ')})`, {
    mode: 'overwrite',
    shape: RECONCILIATION,
  })
}

/** A revision of an object: when it was verified, and whether it is current. Oldest first. */
export type Revision = {
  readonly key: string
  readonly sha256: string
  readonly verifiedAt: string
  readonly size: number
  readonly current: boolean
}

/** Every revision of all replaced objects, or of one object. */
export async function listRevisions(lake: Lake, key: string | undefined): Promise<Revision[]> {
  await using fold = await lake.readLedger()
  return await revisionsIn(lake.session, fold, key)
}

/** The same, from a ledger that was already read. */
export async function revisionsIn(session: DuckDBSession, fold: LedgerFold, key: string | undefined): Promise<Revision[]> {
  const only =
    key === undefined
      ? `key IN (SELECT key FROM ${fold.events} WHERE event = 'verified' GROUP BY key HAVING count(DISTINCT sha256) > 1)`
      : `key = ${quote(key)}`
  const rows =
    await session.rows(`SELECT l.key, l.sha256, min(l."at") AS "at", any_value(l.size) AS size, bool_or(l.sha256 = c.v.sha256) AS current
    FROM ${fold.events} l JOIN ${fold.objects} c USING (key) WHERE event = 'verified' AND ${only} GROUP BY l.key, l.sha256 ORDER BY key, "at", current`)
  return rows.map((row) => ({
    key: String(row['key']),
    sha256: String(row['sha256']),
    verifiedAt: String(row['at']),
    size: Number(row['size']),
    current: row['current'] === true,
  }))
}

/** What the current revision changed, row by row, against the revision before it or the one that `from` names. Throws OBJECT_NOT_FOUND. */
export async function diffRevisions(
  lake: Lake,
  key: string,
  from: string | undefined,
  limits: DecodeLimits & { readonly limit: number },
): Promise<RowComparison & { readonly from: string; readonly to: string; readonly table: string }> {
  const revisions = await listRevisions(lake, key)
  const current = revisions.find((one) => one.current)
  const former = from === undefined ? revisions.findLast((one) => !one.current) : revisions.find(({ sha256 }) => sha256.startsWith(from))
  if (current === undefined || former === undefined)
    throw new LakehouseError(
      'OBJECT_NOT_FOUND',
      `${key} does not have ${from === undefined ? 'a former revision' : `the revision ${from}`}: its revisions are ${revisions.map(({ sha256 }) => sha256.slice(0, 12)).join(', ') || 'none'}; see \`revisions\``,
      {
        details: { key },
      },
    )
  const series = parseObjectKey(key)
  const bytes = async ({ sha256, current: isCurrent }: Revision): Promise<ObjectBytes> => ({
    key,
    sha256,
    path: await lake.store.files.open(isCurrent ? bronzeKey(key) : revisionKey(sha256, key)),
  })
  const compared = await compareObjects(lake.session, series, [await bytes(former)], [await bytes(current)], limits)
  return { ...compared, from: former.sha256, to: current.sha256, table: `silver.${silverTableName(series)}` }
}
