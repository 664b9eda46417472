import type { Config } from '../config/schema.ts'
import { LakehouseError } from '../core/errors.ts'
import { parseInterval } from '../core/interval.ts'
import type { IngestProgress } from '../flows/bulk-ingestion/report.ts'
import { FLOWS } from '../flows/registry.ts'
import type { RepairResult } from '../flows/repair/repair.ts'
import { LAKE_MARKER } from '../lake/layout.ts'
import { isMarkerDamaged, writeMarker } from '../lake/marker.ts'
import type { Host } from '../platform/host.ts'
import { type OnNotice, withPlace } from './open.ts'
import { runFlow } from './run-flow.ts'

export type RepairOptions = {
  /** The address of a backup, or of a copy of the lake. */
  readonly from: string | undefined
  readonly dryRun: boolean
  readonly onProgress: (progress: IngestProgress) => void
  readonly onNotice: OnNotice
}

/** Runs the flow `repair` on an existing lake. Throws LAKE_NOT_FOUND. */
export async function repairLake(config: Config, host: Host, { from, dryRun, onProgress, onNotice }: RepairOptions): Promise<RepairResult> {
  const marker = await mendMarker(config, host, dryRun)
  if (marker !== undefined && dryRun) return { items: [marker], findings: [] }
  const barIntervals = config.gold.intervals.map(parseInterval)
  const request = { ...(from === undefined ? {} : { from }), dryRun, barIntervals, now: host.nowMs() * 1000 }
  const { items, findings } = await runFlow(FLOWS.repair, request, { config, host, onNotice, onProgress })
  return { items: [...(marker === undefined ? [] : [marker]), ...items], findings }
}

/** A lake cannot be opened without its marker, so it comes first. Its content is always the same. Throws LAKE_NOT_FOUND. */
export async function mendMarker(config: Config, host: Host, dryRun: boolean): Promise<RepairResult['items'][number] | undefined> {
  return await withPlace(config, host, config.lake, async ({ store, address }) => {
    const isMissing = (await store.head(LAKE_MARKER)) === undefined
    if (!(await isMarkerDamaged(store))) {
      if (!isMissing) return undefined
      throw new LakehouseError('LAKE_NOT_FOUND', `${address} does not hold a lake: check --lake`, { details: { lake: address } })
    }
    if (!dryRun) await writeMarker(store)
    const problem = isMissing ? 'missing' : 'bytes'
    return { key: LAKE_MARKER, kind: 'marker', table: 'lake', problem, outcome: dryRun ? 'found' : 'repaired', source: null }
  })
}
