import { fileRange } from '../../sources/archive/file-range.ts'
import { planOne } from '../../sources/archive/plan-archive.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import type { Series } from '../../sources/series.ts'
import type { FlowContext } from '../contract.ts'
import { landFiles } from './land.ts'
import { withKnown } from './plan.ts'
import type { IngestProgress, IngestReport } from './report.ts'

/** Lands some objects of a series that bronze does not have, or that the ledger does not know. Objects that the archive no longer has are left out. `now` is µs. */
export async function fetchAgain(
  context: FlowContext<IngestProgress>,
  series: Series,
  objects: readonly string[],
  now: number,
  report: IngestReport,
): Promise<void> {
  if (objects.length === 0) return
  const keys = new Set(objects)
  const access = await context.archive(series.exchange)
  await using fold = await context.lake.readLedger()
  for (const [symbol, files] of Map.groupBy(objects.map(parseObjectKey), (file) => file.symbol)) {
    const ranges = files.map(fileRange)
    const range = { start: Math.min(...ranges.map(({ start }) => start)), end: Math.max(...ranges.map(({ end }) => end)) }
    const planned = await planOne(access.archive, { ...series, symbol }, { range, now }, new Set(files.map(({ date }) => date)))
    const wanted = planned.files.filter(({ key }) => keys.has(key))
    await landFiles(context, access, withKnown(access.archive, fold, { ...planned, files: wanted }), report)
  }
}
