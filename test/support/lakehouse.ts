import type { TestContext } from 'node:test'
import { configSchema } from '../../src/config/schema.ts'
import type { Interval } from '../../src/core/interval.ts'
import type { TimeRange } from '../../src/core/time.ts'
import type { IngestResult } from '../../src/flows/bulk-ingestion/report.ts'
import { LAYERS, type Layer } from '../../src/lake/layout.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import type { Market } from '../../src/sources/binance/markets.ts'
import { emptyLake } from './empty-lake.ts'
import { temporaryFolder } from './folders.ts'

export type LakehouseOptions = {
  lake: string
  archive: string
  signal?: AbortSignal
  nowMs?: () => number
  settings?: Record<string, unknown>
  engine?: Record<string, unknown>
  cache?: Record<string, unknown>
  glue?: Record<string, unknown>
  tiers?: Record<string, unknown>
}

/** A lakehouse with quick retries over the archive at an address. */
export function openLakehouse(options: LakehouseOptions): Lakehouse {
  const archive = { origin: options.archive, retryDelayMs: 5, idleTimeoutMs: 1000, attempts: 10, ...(options.settings ?? {}) }
  const config = configSchema.parse({
    lake: options.lake,
    archive,
    engine: { workers: 2, ...(options.engine ?? {}) },
    cache: options.cache,
    glue: options.glue,
    tiers: options.tiers,
  })
  return new Lakehouse(config, {
    nowMs: options.nowMs ?? Date.now,
    random: Math.random,
    signal: options.signal ?? new AbortController().signal,
  })
}

export type Wanted = { markets?: Market[]; symbols?: string[]; intervals?: Interval[]; range?: TimeRange; layers?: Layer[] }

/** Ingests klines; what is not named means all. */
export function ingestKlines(lakehouse: Lakehouse, wanted: Wanted = {}): Promise<IngestResult> {
  return lakehouse.ingest({
    types: ['klines'],
    markets: wanted.markets ?? [],
    symbols: wanted.symbols ?? [],
    intervals: wanted.intervals ?? [],
    range: wanted.range,
    layers: new Set(wanted.layers ?? LAYERS),
    onProgress: () => {},
    onNotice: () => {},
  })
}

/** A lakehouse over an empty lake in a folder that the test removes. */
export async function openEmptyLake(context: TestContext, options: Pick<LakehouseOptions, 'signal'> = {}): Promise<Lakehouse> {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  return openLakehouse({ lake, archive: lake, ...options })
}
