import { type LandOutcome, landObject } from '../../bronze/bulk/land.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import type { ArchiveAccess, FlowContext } from '../contract.ts'
import type { WantedFile } from './plan.ts'
import type { IngestProgress, IngestReport } from './report.ts'

/** Brings files into bronze and verifies them, several at once, in the order of the plan. Problems of single files are reported. */
export async function landFiles(
  { lake, concurrency }: FlowContext<IngestProgress>,
  access: ArchiveAccess,
  files: AsyncIterable<WantedFile>,
  report: IngestReport,
): Promise<void> {
  report.tell({ phase: 'bronze' })
  const { store, ledger, signal } = lake
  const land = ({ planned, known }: WantedFile) => landObject({ store, ledger, ...access }, planned, known)
  for await (const outcome of mapConcurrent(files, { limit: concurrency, signal }, land)) noteLanding(outcome, report)
  await ledger.flush()
}

function noteLanding(outcome: LandOutcome, report: IngestReport): void {
  report.count({ landed: 1, bytes: 'sizeBytes' in outcome ? outcome.sizeBytes : 0 })
  const file = { key: outcome.key, symbol: parseObjectKey(outcome.key).symbol }
  switch (outcome.status) {
    case 'skipped':
      report.add({ filesSkipped: 1 })
      break
    case 'landed':
    case 'adopted':
    case 'revised':
      report.add({ filesFetched: 1, bytesRead: outcome.sizeBytes })
      if (outcome.checksum === 'absent')
        report.noteObject(
          'checksum_missing',
          'warning',
          file,
          'the archive does not have a checksum file for this file, so its digest was computed here',
        )
      if (outcome.status === 'revised')
        report.noteObject('republished', 'info', file, 'the archive has replaced this file; the former revision is kept, see `revisions`')
      break
    case 'quarantined':
      report.add({ filesQuarantined: 1 })
      report.noteObject(outcome.error.code.toLowerCase(), 'error', file, outcome.error.message)
      break
    case 'failed':
      report.add({ filesFailed: 1 })
      report.failed.add(outcome.key)
      report.errors.push(outcome.error)
      break
  }
}
