import { createHash } from 'node:crypto'
import type { ErrorCode } from '../../core/errors.ts'
import { parseInstant } from '../../core/time.ts'
import { PERIOD_WIDTHS } from '../../lake/iceberg/schema.ts'
import { type PeriodTransform, periodOf } from '../../lake/iceberg/transform.ts'
import { EVENT_ORDER, type LedgerFold } from '../../lake/ledger/fold.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote } from '../../platform/duckdb/session.ts'
import type { ArchiveFile } from '../../sources/contract.ts'
import { belongsSql, dateSql } from '../../sources/object-sql.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { contractOf, formatOf, type Series, sourceOf } from '../../sources/series.ts'
import { compareKeys } from '../../storage/object-store.ts'

/** A bronze object that is an input of a data file. */
export type BuildInput = {
  readonly key: string
  readonly sha256: string
  readonly size: number
  readonly symbol: string
  /** Whether it was decoded before, so that its partitions are known. Otherwise they follow from its name. */
  readonly placed: boolean
  /** Texts that a user gave to replace lines that cannot be decoded. */
  readonly corrections: readonly (readonly [line: number, text: string])[]
}

/**
 * An input that cannot be decoded; the file is made without it. `bound` is the number of plain bytes that it exceeds. `lost` means that bronze does not have
 * the bytes with the digest in the ledger.
 */
export type Refusal = {
  readonly key: string
  readonly sha256: string
  readonly code: ErrorCode
  readonly message: string
  readonly bound: number | null
  readonly lost: boolean
}

/** `maxEntryBytes` bounds the plain bytes of one file. */
export type DecodeLimits = { readonly maxEntryBytes: number }

/** The inputs of one partition, in decoding order. */
export type PartitionInputs = { readonly partition: number; readonly inputs: readonly BuildInput[] }

/**
 * The decodable objects of a series by partition, oldest partition first, with one partition in memory at a time. An object belongs to the partitions
 * for which decoding found rows. Before it was decoded, it belongs to the partitions that follow from its name.
 */
export async function* partitionInputs(
  session: DuckDBSession,
  fold: LedgerFold,
  series: Series,
  limits: DecodeLimits,
): AsyncGenerator<PartitionInputs> {
  const unit = transformOf(series)
  const width = PERIOD_WIDTHS[unit]
  const { decoderVersion } = formatOf(series)
  await using decoded = await Relation.of(
    session,
    ['key', 'sha256', 'partitions'],
    `SELECT key, sha256, arg_max(partitions, ${EVENT_ORDER}) AS partitions FROM ${fold.events} WHERE event = 'decoded' AND decoder = ${decoderVersion} GROUP BY key, sha256`,
  )
  await using placed = await Relation.of(
    session,
    ['key', 'sha256', 'size', 'part', 'placed'],
    `WITH inputs AS (${decodableObjects(fold, series, limits)}), new AS (FROM inputs ANTI JOIN ${decoded} USING (key, sha256))
    SELECT *, left(date, ${width}) AS part, false AS placed FROM new WHERE length(date) >= ${width}
    UNION ALL SELECT *, strftime(unnest(range((date || '-01')::TIMESTAMP, (date || '-01')::TIMESTAMP + INTERVAL 1 MONTH, INTERVAL 1 DAY)), '%Y-%m-%d') AS part, false AS placed
    FROM new WHERE length(date) < ${width}
    UNION ALL SELECT i.*, left(strftime(make_timestamp(start::BIGINT), '%Y-%m-%d'), ${width}) AS part, true AS placed
    FROM inputs i JOIN (SELECT key, sha256, unnest(partitions) AS start FROM ${decoded}) USING (key, sha256)`,
  )
  const corrections = new Map<string, [number, string][]>()
  for (const row of await session.rows(
    `SELECT sha256, line, text FROM (${fold.decisions}) WHERE decision = 'released' AND line IS NOT NULL AND ${belongsSql(series, 'key')} ORDER BY line`,
  )) {
    const sha256 = String(row['sha256'])
    corrections.set(sha256, [...(corrections.get(sha256) ?? []), [Number(row['line']), String(row['text'])]])
  }
  for (const { part } of await session.rows(`SELECT DISTINCT part FROM ${placed} ORDER BY part`)) {
    const rows = await session.rows(`SELECT key, sha256, size, placed FROM ${placed} WHERE part = ${quote(String(part))}`)
    const inputs = rows.map((row) => {
      const key = String(row['key'])
      const sha256 = String(row['sha256'])
      const corrected = corrections.get(sha256) ?? []
      return { ...parseObjectKey(key), key, sha256, size: Number(row['size']), placed: row['placed'] === true, corrections: corrected }
    })
    yield { partition: periodOf(unit, parseInstant(String(part)) ?? 0), inputs: sortInputs(inputs) }
  }
}

export function transformOf(series: Series): PeriodTransform {
  return contractOf(series).partition(series.interval)
}

/** SQL of the current revisions of the objects of the series that the present decoder has not refused: key, sha256, size, date. */
export function decodableObjects(fold: LedgerFold, series: Series, limits: DecodeLimits): string {
  return `SELECT c.key AS key, c.v.sha256 AS sha256, c.v.size AS size, ${dateSql(sourceOf(series), 'c.key')} AS date
    FROM ${fold.objects} c ANTI JOIN (${refusals(fold, series, limits)}) q ON q.key = c.key AND q.sha256 = c.v.sha256 WHERE ${belongsSql(series, 'c.key')}`
}

/** The current revisions of the objects of the series that the present decoder has refused, in key order. */
export async function refusedObjects(session: DuckDBSession, fold: LedgerFold, series: Series, limits: DecodeLimits): Promise<Refusal[]> {
  const rows =
    await session.rows(`SELECT q.* FROM (${refusals(fold, series, limits)}) q JOIN ${fold.objects} c ON q.key = c.key AND q.sha256 = c.v.sha256
    WHERE ${belongsSql(series, 'c.key')} ORDER BY q.key`)
  return rows.map((row) => ({
    key: String(row['key']),
    sha256: String(row['sha256']),
    code: String(row['code']) as ErrorCode,
    message: String(row['message']),
    bound: row['bound'] === null ? null : Number(row['bound']),
    lost: false,
  }))
}

/** An object that was refused because of its size is tried again when the bound is higher. */
function refusals({ events }: LedgerFold, series: Series, { maxEntryBytes }: DecodeLimits): string {
  return `SELECT key, sha256, arg_max(code, ${EVENT_ORDER}) AS code, arg_max(message, ${EVENT_ORDER}) AS message, max(bound) AS bound
    FROM ${events} WHERE event = 'quarantined' AND stage = 'decode' AND decoder = ${formatOf(series).decoderVersion}
    GROUP BY key, sha256 HAVING bool_or(bound IS NULL) OR max(bound) >= ${maxEntryBytes}`
}

/**
 * The order in which rows are read: by symbol, monthly files before daily ones (the exchange makes monthly files later, from corrected data), then by date.
 * The first of two rows with the same key stays.
 */
function sortInputs(inputs: (BuildInput & ArchiveFile)[]): BuildInput[] {
  const rank = (input: ArchiveFile) => (input.period === 'monthly' ? 0 : 1)
  inputs.sort((a, b) => compareKeys(a.symbol, b.symbol) || rank(a) - rank(b) || (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
  return inputs.map(({ key, sha256, size, symbol, placed, corrections }) => ({ key, sha256, size, symbol, placed, corrections }))
}

/**
 * Splits the inputs of a partition into groups, by number; each group becomes one data file. The group of a symbol depends on the symbol alone. So a new or
 * damaged symbol changes only one file, files cover separate ranges of symbols, and several threads can build a month.
 */
export function groupInputs(series: Series, inputs: readonly BuildInput[]): Map<number, BuildInput[]> {
  const { ranges } = sourceOf(series).symbols
  return Map.groupBy(inputs, (input) => ranges.findLastIndex((first) => compareKeys(first, input.symbol) <= 0))
}

/** The name of the data file made from these inputs. It depends on the inputs, the decoder, the order and the settings. */
export function fingerprint(series: Series, partition: number, inputs: readonly BuildInput[]): string {
  const { key, parquet } = contractOf(series)
  const recipe = [
    series.dataset,
    series.market,
    series.interval ?? null,
    partition,
    formatOf(series).decoderVersion,
    key,
    parquet,
    inputs.map(({ key: name, sha256, corrections }) => [name, sha256, ...(corrections.length === 0 ? [] : [corrections])]),
  ]
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 40)
}
