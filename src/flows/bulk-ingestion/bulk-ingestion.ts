import { foldIntoTable } from '../../bronze/objects-table.ts'
import type { Flow, FlowContext } from '../contract.ts'
import { buildSilver } from './build.ts'
import { deriveGold } from './derive.ts'
import { landFiles } from './land.ts'
import { noteNothing, selectHeld, wantedFiles } from './plan.ts'
import { type IngestProgress, IngestReport, type IngestResult } from './report.ts'
import { type IngestRequest, ingestRequest } from './request.ts'

/** Archive → bronze → silver → gold, for the part of the archive in the request. */
export const bulkIngestion = {
  id: 'bulk-ingestion',
  displayName: 'Bulk Data Ingestion',
  aliases: ['bulk-data-ingestion-flow'],
  meaning: 'Brings a part of an archive into the lake: raw files, silver tables and gold tables',
  input: ingestRequest,
  steps: ['sweep', 'plan', 'land', 'build', 'derive', 'report'],
  run,
} as const satisfies Flow<typeof ingestRequest, IngestResult, IngestProgress>

async function run(
  context: FlowContext<IngestProgress>,
  input: Omit<IngestRequest, 'range'> & { range?: IngestRequest['range'] },
): Promise<IngestResult> {
  const { lake } = context
  const request: IngestRequest = { ...input, range: input.range }
  const report = new IngestReport(context.onProgress)
  const swept = await lake.sweep()
  await select(context, request, report)
  noteNothing(request, report)
  if (request.layers.includes('silver')) await buildSilver(context, request, report)
  if (request.layers.includes('gold')) await deriveGold(lake, request, report)
  await lake.ledger.flush()
  await foldIntoTable(lake)
  report.tell({ phase: 'done' })
  return report.result(lake, swept)
}

/** Plans and lands the requested files. Without bronze, it selects the tables of the objects in the lake. */
async function select(context: FlowContext<IngestProgress>, request: IngestRequest, report: IngestReport): Promise<void> {
  await using fold = await context.lake.readLedger()
  if (!request.layers.includes('bronze')) return await selectHeld(fold, request, report)
  const access = await context.archive(request.exchange)
  await landFiles(context, access, wantedFiles(access.archive, fold, request, report), report)
}
