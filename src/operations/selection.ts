import * as z from 'zod'
import type { Config } from '../config/schema.ts'
import { LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import { parseInstant, type TimeRange, utc } from '../core/time.ts'
import { DATASET_IDS, type DatasetId, findDataset } from '../datasets/registry.ts'
import { quote } from '../platform/duckdb/session.ts'
import type { ArchiveSelection } from '../sources/contract.ts'
import { DEFAULT_SOURCE, findMarket, findSource } from '../sources/registry.ts'
import { instant, place, symbolGlobs } from './schemas.ts'

export const exchange = z.string().default(DEFAULT_SOURCE.id).describe('id of an exchange')

const archive = place('read', 'address of the archive; default: archive.origin')

export const rangeFields = {
  from: instant.optional().describe('start of the range, UTC: YYYY-MM-DD or ISO 8601'),
  to: instant.optional().describe('end of the range, UTC, not included'),
}

/** Fields that select a part of an archive. A field that is not given selects everything. */
export const selectionFields = {
  archive: archive.optional(),
  exchange,
  markets: z.array(z.string()).default([]),
  symbols: symbolGlobs,
  intervals: z.array(z.string()).default([]).describe('bar intervals: 1m, 1h, 1d …'),
  ...rangeFields,
}

type SelectionInput = z.output<z.ZodObject<typeof selectionFields>>

/** Replaces the address of the archive in a configuration, when one is given. */
export function archiveAt(archive: string | undefined): (config: Config) => Config {
  return (config) => (archive === undefined ? config : { ...config, archive: { ...config.archive, origin: archive } })
}

/** The selection that the fields make. Empty lists and an undefined range select everything. Throws USAGE. */
export function resolveSelection(input: Omit<SelectionInput, 'archive'>, nowMs: number): Omit<ArchiveSelection, 'types'> {
  const source = findSource(input.exchange)
  for (const market of input.markets) findMarket(source, market)
  return {
    exchange: source.id,
    markets: unique(input.markets),
    symbols: unique(input.symbols),
    intervals: unique(input.intervals.map(parseInterval)),
    range: resolveRange(input, nowMs),
  }
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)]
}

/** The data types that names of any spelling stand for. `all` or an empty list means every type. Throws USAGE. */
export function resolveTypes(names: readonly string[]): DatasetId[] {
  if (names.length === 0 || names.includes('all')) return [...DATASET_IDS]
  return unique(
    names.map((name) => {
      const type = findDataset(name)
      if (type !== undefined) return type
      throw new LakehouseError('USAGE', `unknown data type "${name}": write all, or one of ${DATASET_IDS.join(', ')}`, {
        details: { type: name },
      })
    }),
  )
}

/** The half-open range between two instants, µs. `from` defaults to 2017 and `to` to now. Undefined when neither is given. Throws USAGE. */
export function resolveRange({ from, to }: { from?: string | undefined; to?: string | undefined }, nowMs: number): TimeRange | undefined {
  if (from === undefined && to === undefined) return undefined
  const range = { start: from === undefined ? utc(2017) : parsed('from', from), end: to === undefined ? nowMs * 1000 : parsed('to', to) }
  if (range.start >= range.end)
    throw new LakehouseError(
      'USAGE',
      `the range is empty: from (${from ?? '2017-01-01, the default'}) must be before to (${to ?? 'now, the default'})`,
    )
  return range
}

function parsed(name: string, value: string): number {
  const found = parseInstant(value)
  if (found === undefined)
    throw new LakehouseError('USAGE', `${name} "${value}" is not a date: write YYYY-MM-DD or ISO 8601`, { details: { [name]: value } })
  return found
}

/** SQL that is true for symbols that match any of the patterns; always true without patterns. */
export function symbolsSql(globs: readonly string[]): string {
  const fits = globs.map((glob) => `symbol GLOB ${quote(glob)}`)
  return fits.length === 0 ? 'true' : `(${fits.join(' OR ')})`
}
