import { open } from 'node:fs/promises'
import * as z from 'zod'
import type { DataFile } from '../lake/iceberg/manifest.ts'
import { type Known, mayMatch, type Predicate } from '../lake/iceberg/scan.ts'
import type { IcebergField, TableShape } from '../lake/iceberg/schema.ts'
import { keyOf } from '../lake/iceberg/table.ts'
import { type DuckDBSession, quote } from '../platform/duckdb/session.ts'
import { mapConcurrent } from '../platform/map-concurrent.ts'
import type { ByteRange, ObjectStore } from '../storage/object-store.ts'
import { convertValue } from './statement.ts'

/** Smaller files are opened whole: they cost as many requests as their footers. */
const WHOLE_BYTES = 256 << 10

/** What is read of a file's end at first; most footers are shorter. */
const TAIL_BYTES = 64 << 10

const AT_ONCE = 8

/** A column of a row group as the footer tells of it. */
const chunk = z.object({
  group: z.string(),
  fieldId: z.string().nullable(),
  rows: z.string(),
  start: z.string(),
  bytes: z.string(),
  filter: z.string().nullable(),
  filterBytes: z.string().nullable(),
  lower: z.string().nullable(),
  upper: z.string().nullable(),
  nulls: z.string().nullable(),
})

type Chunk = z.infer<typeof chunk>

/**
 * Opens data files for a query that names its columns: of each the footer, and of the row groups that its conditions leave, the chunks of those columns. A file whose
 * footer cannot be told apart by columns (nested ones, other writers' surprises) is opened whole.
 */
export function neededParts(
  session: DuckDBSession,
  { fields }: TableShape,
  columns: ReadonlySet<string>,
  mentions: readonly (readonly Predicate[])[],
): (store: ObjectStore, files: readonly DataFile[]) => Promise<string[]> {
  const wanted = fields.filter(({ name }) => columns.has(name.toLowerCase()))
  const openNeeded = async (store: ObjectStore, file: DataFile): Promise<string> => {
    const key = keyOf(store, file.path)
    if (file.bytes <= WHOLE_BYTES) return await store.files.open(key)
    return await store.files.openParts(key, async ({ path, size }, need) => {
      await need([
        { start: 0, end: 4 },
        { start: Math.max(0, size - TAIL_BYTES), end: size },
      ])
      const footer = await footerBytes(path, size)
      if (footer > TAIL_BYTES && footer < size) await need([{ start: size - footer, end: size }])
      const ranges = rangesOf(await chunksOf(session, path), wanted, mentions)
      if (ranges !== undefined) await need(ranges)
      return ranges !== undefined
    })
  }
  return async (store, files) => {
    const paths = new Map<DataFile, string>()
    for await (const [file, path] of mapConcurrent(
      files,
      { limit: AT_ONCE },
      async (file) => [file, await openNeeded(store, file)] as const,
    ))
      paths.set(file, path)
    return files.map((file) => paths.get(file) ?? '')
  }
}

/** How long the footer is: its length and the magic are a file's last eight bytes. */
async function footerBytes(path: string, size: number): Promise<number> {
  const file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, size - 8).finally(() => file.close())
  return buffer.readUInt32LE(0) + 8
}

async function chunksOf(session: DuckDBSession, path: string): Promise<Chunk[]> {
  const rows = await session.jsonRows(`SELECT m.row_group_id AS "group", s.field_id AS "fieldId", row_group_num_rows AS rows,
    least(coalesce(dictionary_page_offset, data_page_offset), data_page_offset) AS start, total_compressed_size AS bytes,
    bloom_filter_offset AS filter, bloom_filter_length AS "filterBytes",
    stats_min_value AS lower, stats_max_value AS upper, stats_null_count AS nulls
    FROM parquet_metadata(${quote(path)}) m LEFT JOIN parquet_schema(${quote(path)}) s ON s.name = m.path_in_schema AND s.num_children IS NULL`)
  return z.array(chunk).parse(rows)
}

/** Where the bytes lie that the query reads; undefined where a column of the file is not told by its field id. */
function rangesOf(
  chunks: readonly Chunk[],
  wanted: readonly IcebergField[],
  mentions: readonly (readonly Predicate[])[],
): ByteRange[] | undefined {
  if (chunks.some(({ fieldId }) => fieldId === null)) return undefined
  const ranges: ByteRange[] = []
  for (const group of Map.groupBy(chunks, (one) => one.group).values()) {
    const chunkOf = (name: string) => {
      const field = wanted.find((one) => one.name === name)
      const found = field && group.find(({ fieldId }) => Number(fieldId) === field.id)
      return found === undefined || field === undefined ? undefined : knownOf(found, field)
    }
    if (!mentions.some((predicates) => predicates.every((one) => isDecidedAlike(one, chunkOf)))) continue
    for (const { id } of wanted) {
      const found = group.find(({ fieldId }) => Number(fieldId) === id)
      if (found === undefined) continue // the file is older than the column
      ranges.push(rangeAt(found.start, found.bytes))
      if (found.filter !== null && found.filterBytes === null) return undefined
      if (found.filter !== null) ranges.push(rangeAt(found.filter, found.filterBytes))
    }
  }
  return ranges
}

/** Whether the engine, too, must look into a row group: it judges by fewer conditions than a scan of files. */
function isDecidedAlike(predicate: Predicate, known: (column: string) => Known | undefined): boolean {
  const bounds = ['starts with', 'is null', 'is not null'].includes(predicate.op) ? undefined : known(predicate.column)
  return bounds === undefined || mayMatch(predicate, bounds)
}

function knownOf({ lower, upper, nulls, rows }: Chunk, { type }: IcebergField): Known {
  const value = (text: string | null) => {
    if (text === null) return undefined
    if (type === 'string') return isPlain(text) ? text : undefined
    return type === 'timestamptz' || type === 'timestamp' ? convertValue(type, text) : undefined
  }
  const [least, most] = [value(lower), value(upper)]
  return {
    // The engine keeps eight bytes of a text.
    lower: typeof least === 'string' ? least.slice(0, TEXT_BYTES) : least,
    upper: typeof most === 'string' && most.length > TEXT_BYTES ? `${most.slice(0, TEXT_BYTES)}\u{10ffff}` : most,
    nulls: nulls === null ? 'unknown' : nulls === '0' ? 'none' : nulls === rows ? 'all' : 'some',
  }
}

const TEXT_BYTES = 8

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function rangeAt(start: string | null, bytes: string | null): ByteRange {
  return { start: Number(start), end: Number(start) + Number(bytes) }
}
