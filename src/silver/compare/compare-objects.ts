import { rm } from 'node:fs/promises'
import { PLAUSIBLE_TIME } from '../../core/time.ts'
import { registerFeed } from '../../platform/duckdb/feed.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import { ZipReader } from '../../sources/csv/zip-entry.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { contractOf, type Series, silverColumns } from '../../sources/series.ts'
import { makeScratch } from '../../storage/scratch.ts'
import { InputFeed, InputRefused } from '../build/input-feed.ts'

/** One revision of an object, as a local file. */
export type ObjectBytes = { readonly key: string; readonly sha256: string; readonly path: string }

/** The differences between two sets of rows of one series, by key. */
export type RowComparison = {
  readonly equal: number
  readonly differing: number
  readonly onlyLeft: number
  readonly onlyRight: number
  /** The number of differing rows for each column with differences. */
  readonly columns: Readonly<Record<string, number>>
  /** Some of the differing rows in key order, each side as JSON. */
  readonly rows: readonly {
    readonly change: 'differs' | 'only left' | 'only right'
    readonly left: string | null
    readonly right: string | null
  }[]
}

export type CompareOptions = {
  readonly maxEntryBytes: number
  /** SQL condition, over the columns of the table, for the rows of the right side to compare. */
  readonly only?: string
  /** At most this many rows are returned. */
  readonly limit: number
}

/** Decodes two sets of objects of a series and compares their rows. If several rows have the same key, the first counts. */
export async function compareObjects(
  session: DuckDBSession,
  series: Series,
  left: readonly ObjectBytes[],
  right: readonly ObjectBytes[],
  { maxEntryBytes, only = 'true', limit }: CompareOptions,
): Promise<RowComparison> {
  await using leftRows = await load(session, series, left, maxEntryBytes, 'true')
  await using rightRows = await load(session, series, right, maxEntryBytes, only)
  const key = contractOf(series).key.map(quoteName)
  const values = silverColumns(series)
    .map(({ name }) => name)
    .filter((name) => name !== 'source' && name !== 'source_object' && !key.includes(quoteName(name)))
  const differs = (name: string) => `l.${quoteName(name)} IS DISTINCT FROM r.${quoteName(name)}`
  const counts = values.map((name) => `count(*) FILTER (both_sides AND ${quoteName(`d_${name}`)}) AS ${quoteName(name)}`)
  await using compared = await Relation.from(
    session,
    `SELECT l.n IS NOT NULL AND r.n IS NOT NULL AS both_sides, l.n AS left_n, r.n AS right_n,
    ${key.map((name) => `coalesce(l.${name}, r.${name}) AS ${name}`).join(', ')}${values.map((name) => `, ${differs(name)} AS ${quoteName(`d_${name}`)}`).join('')}
    FROM ${leftRows} l FULL JOIN ${rightRows} r ON ${key.map((name) => `l.${name} = r.${name}`).join(' AND ')}`,
  )
  const anyDiffers = values.map((name) => quoteName(`d_${name}`)).join(' OR ') || 'false'
  const [totals = {}] =
    await session.rows(`SELECT count(*) FILTER (both_sides AND NOT (${anyDiffers})) AS equal_rows, count(*) FILTER (both_sides AND (${anyDiffers})) AS differing,
    count(*) FILTER (right_n IS NULL) AS only_left, count(*) FILTER (left_n IS NULL) AS only_right ${counts.map((sql) => `, ${sql}`).join('')} FROM ${compared}`)
  const rows =
    await session.rows(`SELECT CASE WHEN both_sides THEN 'differs' WHEN right_n IS NULL THEN 'only left' ELSE 'only right' END AS change,
    CASE WHEN left_n IS NOT NULL THEN to_json(l)::VARCHAR END AS "left", CASE WHEN right_n IS NOT NULL THEN to_json(r)::VARCHAR END AS "right"
    FROM (SELECT * FROM ${compared} WHERE NOT both_sides OR ${anyDiffers} ORDER BY ${key.join(', ')} LIMIT ${limit}) c
    LEFT JOIN ${leftRows} l ON l.n = left_n LEFT JOIN ${rightRows} r ON r.n = right_n ORDER BY ${key.map((name) => `c.${name}`).join(', ')}`)
  return {
    equal: Number(totals['equal_rows']),
    differing: Number(totals['differing']),
    onlyLeft: Number(totals['only_left']),
    onlyRight: Number(totals['only_right']),
    columns: Object.fromEntries(values.map((name) => [name, Number(totals[name])] as const).filter(([, count]) => count > 0)),
    rows: rows as unknown as RowComparison['rows'],
  }
}

/** The rows of objects, numbered (n), only the first of each key. Lines that cannot be decoded are skipped: they are in quarantine. */
async function load(
  session: DuckDBSession,
  series: Series,
  objects: readonly ObjectBytes[],
  maxEntryBytes: number,
  only: string,
): Promise<Relation<string>> {
  const folder = await makeScratch()
  try {
    const inputs = objects.map((one) => ({ ...one, size: 0, symbol: parseObjectKey(one.key).symbol, placed: true, corrections: [] }))
    const range = { ...PLAUSIBLE_TIME, partitionStart: () => 0 }
    const rows = new InputFeed(new ZipReader(), { series, inputs, rejects: folder, maxEntryBytes }, range)
    const feed = await registerFeed(session, rows.columns, (chunk) => rows.fill(chunk))
    const names = silverColumns(series).map(({ name }) => name)
    await using loaded = await Relation.of(session, names, feed.sql)
      .finally(() => feed.finish())
      .catch((error: unknown) => {
        throw error instanceof InputRefused ? error.cause : error
      })
    const key = contractOf(series).key.map(quoteName).join(', ')
    return await Relation.from(
      session,
      `SELECT rowid AS n, * EXCLUDE (source) FROM ${loaded} WHERE (${only}) AND rowid IN (SELECT min(rowid) FROM ${loaded} GROUP BY ${key})`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** SQL that is true for rows of some days (YYYY-MM-DD). */
export function onDays(series: Series, days: readonly string[]): string {
  return `strftime(${quoteName(contractOf(series).eventTime)}, '%Y-%m-%d') IN (${days.map(quote).join(', ')})`
}
