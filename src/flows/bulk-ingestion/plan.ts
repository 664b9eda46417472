import { wholeFinding } from '../../core/finding.ts'
import { namePatterns } from '../../core/patterns.ts'
import { formatInstant } from '../../core/time.ts'
import type { LedgerFold, ObjectState } from '../../lake/ledger/fold.ts'
import type { OpenArchive } from '../../sources/archive/discover.ts'
import { fileRange } from '../../sources/archive/file-range.ts'
import { type PlannedFile, type PlannedSeries, planArchive } from '../../sources/archive/plan-archive.ts'
import type { ArchiveSeries } from '../../sources/contract.ts'
import { objectKey, parseObjectKey } from '../../sources/objects.ts'
import { silverTableName } from '../../sources/series.ts'
import type { IngestReport } from './report.ts'
import type { IngestRequest } from './request.ts'

/** A requested file, and its state in the lake. */
export type WantedFile = { readonly planned: PlannedFile; readonly known: ObjectState | undefined }

/** The requested files of the archive, series by series as they are discovered. Selected tables and uncovered parts are reported. */
export async function* wantedFiles(
  archive: OpenArchive,
  fold: LedgerFold,
  request: IngestRequest,
  report: IngestReport,
): AsyncGenerator<WantedFile> {
  for await (const planned of planArchive(archive, request)) {
    noteSeries(planned, request, report)
    yield* withKnown(archive, fold, planned)
  }
}

/** The files of a planned series, with their state in the lake. */
export async function* withKnown(archive: OpenArchive, fold: LedgerFold, { series, files }: PlannedSeries): AsyncGenerator<WantedFile> {
  const known = await heldObjects(archive, fold, series)
  for (const file of files) yield { planned: file, known: known.get(file.key) }
}

/** The objects of a series in the lake, by key. */
export async function heldObjects({ source }: OpenArchive, fold: LedgerFold, series: ArchiveSeries): Promise<Map<string, ObjectState>> {
  const known = new Map<string, ObjectState>()
  for (const period of ['daily', 'monthly'] as const) {
    const prefix = objectKey(source, source.archive.seriesPrefix(series, period))
    for (const [key, state] of await fold.currentObjects(prefix)) known.set(key, state)
  }
  return known
}

function noteSeries({ series, files, uncovered, unparsed }: PlannedSeries, { range }: IngestRequest, report: IngestReport): void {
  report.add({ filesPlanned: files.length })
  report.tell({ planned: report.counts.filesPlanned })
  const subject = `silver.${silverTableName(series)}`
  if (files.length > 0) {
    const { months } = report.select(series)
    for (const { file, key } of files) if (file.period === 'monthly') months.push({ key, symbol: file.symbol, ...fileRange(file) })
  }
  for (const gap of uncovered) {
    const severity = range !== undefined && gap.reason === 'not_in_archive' ? 'warning' : 'info'
    const explanation = `the archive does not have a file for this time: ${gap.reason.replaceAll('_', ' ')}`
    const [from, to] = [formatInstant(gap.start), formatInstant(gap.end)]
    report.findings.push({ check: 'uncovered', severity, table: subject, symbol: series.symbol, from, to, count: 1, explanation })
  }
  for (const key of unparsed) {
    const explanation = `${key} does not follow the grammar of the archive and was left out: see \`catalog files\``
    // The rows of a data file are missing in the lake.
    const severity = key.endsWith('.zip') ? 'warning' : 'info'
    report.findings.push({ ...wholeFinding(subject, 'unknown_key', severity, 1, explanation), symbol: series.symbol })
  }
}

/** Selects the tables of the objects in the lake. Without bronze, the archive is not listed. */
export async function selectHeld(fold: LedgerFold, request: IngestRequest, report: IngestReport): Promise<void> {
  const { exchange, types, markets, symbols, intervals } = request
  const { matches } = namePatterns(symbols)
  for (const key of await fold.oneKeyPerFolder()) {
    const file = parseObjectKey(key)
    const isOfMarket = file.exchange === exchange && (markets.length === 0 || markets.includes(file.market))
    const isOfInterval = intervals.length === 0 || (file.interval !== undefined && intervals.includes(file.interval))
    if (isOfMarket && isOfInterval && types.includes(file.dataset) && matches(file.symbol)) report.select(file)
  }
}

/** Reports an empty selection. */
export function noteNothing({ symbols, markets, intervals }: IngestRequest, report: IngestReport): void {
  if (report.counts.filesPlanned > 0 || report.selected.length > 0) return
  const asked = [...markets, ...symbols, ...intervals].join(' ')
  const explanation = `nothing matches the selection (${asked || 'everything'}): see \`catalog symbols\` and \`catalog files\``
  report.findings.push(wholeFinding('bronze.objects', 'nothing_selected', 'warning', 0, explanation))
}
