import { asLakehouseError } from '../../core/errors.ts'
import { wholeFinding } from '../../core/finding.ts'
import { isIntraday } from '../../core/interval.ts'
import { tableKey } from '../../lake/layout.ts'
import { isUnreadable } from '../../lake/tables/unreadable.ts'
import { buildSilverTable } from '../../silver/build/build-table.ts'
import { continuityFindings, missingDays } from '../../silver/build/continuity.ts'
import { SilverTally } from '../../silver/build/tally.ts'
import { refillGaps } from '../../silver/gaps/fill-gaps.ts'
import { planOne } from '../../sources/archive/plan-archive.ts'
import { offerOf, type Series, silverTableName } from '../../sources/series.ts'
import type { FlowContext } from '../contract.ts'
import { fetchAgain } from './fetch-again.ts'
import { landFiles } from './land.ts'
import { withKnown } from './plan.ts'
import { parsePublishRule } from './publish-rule.ts'
import { dropStaleBranch, publishStaged, STAGED } from './publish-staged.ts'
import type { IngestProgress, IngestReport, SelectedTable } from './report.ts'
import type { IngestRequest } from './request.ts'

/** Brings the selected silver tables up to date with bronze, one after the other, and fills their gaps again. A table that cannot be read or written does not stop the others. */
export async function buildSilver(context: FlowContext<IngestProgress>, request: IngestRequest, report: IngestReport): Promise<void> {
  const built: Series[] = []
  for (const table of report.selected) {
    try {
      if (await buildTable(context, request, table, report)) built.push(table.series)
    } catch (error) {
      const failure = asLakehouseError(error)
      if (failure.code !== 'TABLE_PARTITION_CHANGED' && !isUnreadable(failure)) throw error
      report.errors.push(failure)
    }
  }
  for (const series of built) await refill(context, request, series, report)
}

/** Returns false when the rows were not published. */
async function buildTable(
  context: FlowContext<IngestProgress>,
  request: IngestRequest,
  table: SelectedTable,
  report: IngestReport,
): Promise<boolean> {
  const { lake, limits } = context
  const rule = request.publishIf === undefined ? undefined : parsePublishRule(request.publishIf)
  const { series } = table
  const name = silverTableName(series)
  report.tell({ phase: 'silver', table: name, rows: 0 })
  const tally = new SilverTally(name)
  if (rule !== undefined) await dropStaleBranch(lake, series)
  const branch = rule === undefined ? undefined : STAGED
  const options = { pool: context.pool(), limits, branch, onFile: ({ rows }: { rows: number }) => report.count({ rows }) }
  const build = () => buildSilverTable(lake, series, options, tally)
  const first = await build()
  const hasMore = await fetchLost(context, request, series, tally, report)
  const second = (await fillMonths(context, request, table, report)) || hasMore ? await build() : undefined
  const partitionsWritten = Math.max(first.partitionsWritten, second?.partitionsWritten ?? 0)
  const { objectsRefused, ...counts } = tally.counts()
  report.add({ ...counts, partitionsWritten, partitionsUnchanged: first.partitionsUnchanged, filesQuarantined: objectsRefused })
  report.findings.push(...tally.findings())
  const refusal = rule === undefined ? undefined : await publishStaged(lake, series, rule, context.quality)
  if (refusal !== undefined) {
    report.findings.push(refusal)
    return false
  }
  if (partitionsWritten === 0) return true
  await lake.publish(tableKey('silver', name))
  const { findings, gaps, missing } = await continuityFindings(lake, series)
  report.findings.push(...findings)
  report.add({ gaps, missingBars: missing })
  return true
}

/** Fetches the objects again that bronze has lost. Returns true if any was lost: those that did not arrive are reported by the next build. */
async function fetchLost(
  context: FlowContext<IngestProgress>,
  { layers, now }: IngestRequest,
  series: Series,
  tally: SilverTally,
  report: IngestReport,
): Promise<boolean> {
  if (!layers.includes('bronze')) return false
  const keys = tally.takeLost()
  await fetchAgain(context, series, keys, now, report)
  return keys.length > 0
}

/** Lands the daily files of days that are missing in monthly files. Returns true if any file arrived. */
async function fillMonths(
  context: FlowContext<IngestProgress>,
  request: IngestRequest,
  { series, months: selected }: SelectedTable,
  report: IngestReport,
): Promise<boolean> {
  const { lake, limits } = context
  const isDaily = series.interval === undefined || isIntraday(series.interval) || series.interval === '1d'
  if (!request.layers.includes('bronze') || offerOf(series) === undefined || !isDaily) return false
  const months = selected.filter(({ key }) => !report.failed.has(key))
  if (months.length === 0) return false
  await using fold = await lake.readLedger()
  const before = report.counts.filesFetched
  const access = await context.archive(series.exchange)
  for (const [symbol, days] of await missingDays(lake, fold, series, months, limits)) {
    const planned = await planOne(access.archive, { ...series, symbol }, request, days)
    const files = planned.files.filter(({ file }) => file.period === 'daily' && days.has(file.date))
    report.add({ filesPlanned: files.length })
    await landFiles(context, access, withKnown(access.archive, fold, { ...planned, files }), report)
  }
  return report.counts.filesFetched > before
}

/** Filled rows are lost when their partition is built again, so gaps that still exist are filled again. */
async function refill({ lake }: FlowContext<IngestProgress>, { now }: IngestRequest, series: Series, report: IngestReport): Promise<void> {
  const filled = await refillGaps(lake, series, { nowUs: now })
  if (filled === undefined) return
  const name = silverTableName(series)
  const explanation = `${filled.rowsFilled} filled rows were made again after their partitions were rebuilt`
  report.findings.push(wholeFinding(`silver.${name}`, 'gaps_filled', 'info', filled.rowsFilled, explanation))
  await lake.publish(tableKey('silver', name))
}
