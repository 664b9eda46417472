import type { Config } from '../config/schema.ts'
import { parseInterval } from '../core/interval.ts'
import type { IngestProgress, IngestResult } from '../flows/bulk-ingestion/report.ts'
import type { IngestRequest } from '../flows/bulk-ingestion/request.ts'
import { FLOWS } from '../flows/registry.ts'
import type { Layer } from '../lake/layout.ts'
import type { Host } from '../platform/host.ts'
import { DEFAULT_SOURCE } from '../sources/registry.ts'
import type { OnNotice } from './open.ts'
import { runFlow } from './run-flow.ts'

/** What to ingest from an exchange, by default the first of the registry. An empty list means all. */
export type IngestOptions = Omit<IngestRequest, 'now' | 'barIntervals' | 'exchange' | 'layers'> & {
  readonly exchange?: string
  readonly layers: ReadonlySet<Layer>
  readonly onProgress: (progress: IngestProgress) => void
  readonly onNotice: OnNotice
}

/** Runs the flow `bulk-ingestion` up to now, with the bar intervals in the configuration. */
export async function ingest(config: Config, host: Host, options: IngestOptions): Promise<IngestResult> {
  const { onProgress, onNotice, exchange = DEFAULT_SOURCE.id, layers, ...part } = options
  const barIntervals = config.gold.intervals.map(parseInterval)
  const request = { ...part, exchange, layers: [...layers], barIntervals, now: host.nowMs() * 1000 }
  return await runFlow(FLOWS['bulk-ingestion'], request, { config, host, onNotice, onProgress })
}
