import type { Config } from '../config/schema.ts'
import { asLakehouseError } from '../core/errors.ts'
import { heldObjects } from '../flows/bulk-ingestion/plan.ts'
import { Lake } from '../lake/lake.ts'
import type { Host } from '../platform/host.ts'
import { type PlannedSeries, planArchive } from '../sources/archive/plan-archive.ts'
import type { ArchiveSelection } from '../sources/contract.ts'
import { lakeOptions, type OnNotice, openArchive } from './open.ts'

/** A planned series, and how many of its files the lake already has. */
export type DryRunSeries = PlannedSeries & { readonly held: number }

/** What an ingestion would fetch, series by series, and the uncovered parts. Nothing is written, and the lake need not exist. */
export async function* planIngest(config: Config, host: Host, request: ArchiveSelection, onNotice: OnNotice): AsyncGenerator<DryRunSeries> {
  const { archive } = await openArchive(config, host, request.exchange, onNotice)
  let lake: Lake | undefined
  try {
    lake = await Lake.open(lakeOptions(config, host, onNotice), 'read').catch((error: unknown) => {
      if (asLakehouseError(error).code === 'LAKE_NOT_FOUND') return undefined
      throw error
    })
    await using fold = await lake?.readLedger()
    for await (const planned of planArchive(archive, { ...request, now: host.nowMs() * 1000 })) {
      const held = fold === undefined ? undefined : await heldObjects(archive, fold, planned.series)
      yield { ...planned, held: planned.files.filter(({ key }) => held?.has(key) === true).length }
    }
  } finally {
    await lake?.close({ hasFailed: false })
    await archive.origin.close()
  }
}
