import { resourceUsage } from 'node:process'
import { LakehouseError } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { IngestResult } from '../../flows/bulk-ingestion/report.ts'
import { LAYERS, type Layer } from '../../lake/layout.ts'
import type { DryRunSeries } from '../../lakehouse/plan-ingest.ts'
import { type Command, type CommandContext, type CommandResult, list } from '../command.ts'
import { findingLines } from '../findings.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import { ProgressDisplay } from '../progress.ts'
import { parseSelection, parseTypes, SELECTION_OPTIONS } from '../selection.ts'

export const ingest: Command = {
  summary: 'Bring a part of the archive into the lake: bronze, silver, gold',
  usage: 'TYPE|all [OPTIONS]',
  options: {
    ...SELECTION_OPTIONS,
    layers: { type: 'string', value: 'L,…', help: 'bronze, silver, gold (default: all three)' },
    'dry-run': { type: 'boolean', help: 'show the plan, write nothing' },
  },
  examples: ['crypto-lakehouse ingest klines --market spot --symbols BTCUSDT,ETHUSDT --interval 1m --from 2024-01-01 --to 2024-03-01'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [name, ...more] = context.args
  if (name === undefined || more.length > 0) throw new LakehouseError('USAGE', 'ingest takes one data type, or all: ingest klines …')
  const types = parseTypes(name)
  const layers = parseLayers(context)
  const request = { types, ...parseSelection(context.values, context.nowMs()), layers }
  const house = await context.open()
  if (context.values['dry-run'] === true)
    return await dryRun(
      context,
      house.plan(request, (notice) => note(context, notice)),
    )
  const display = new ProgressDisplay({ write: context.note, interactive: context.interactive, nowMs: context.nowMs })
  const startedMs = context.nowMs()
  const result = await house
    .ingest({
      ...request,
      onProgress: (progress) => (context.json ? undefined : display.update(progress)),
      onNotice: (notice) => note(context, notice),
    })
    .finally(() => display.clear())
  if (!context.json) context.out(`${summary(result, context.nowMs() - startedMs, house.config.lake).join('\n')}\n`)
  return toResult(result)
}

function note(context: CommandContext, text: string): void {
  if (context.verbose) context.note(`${text}\n`)
}

function parseLayers(context: CommandContext): ReadonlySet<Layer> {
  const names = list(context.values, 'layers')
  for (const name of names)
    if (!LAYERS.some((layer) => layer === name)) throw new LakehouseError('USAGE', `unknown layer "${name}": one of ${LAYERS.join(' ')}`)
  return new Set(names.length === 0 ? LAYERS : LAYERS.filter((layer) => names.includes(layer)))
}

/** The result of an ingestion as a command result. */
export function toResult(result: IngestResult): CommandResult {
  const { counts, findings, errors, tables, swept } = result
  const noticed = findings.some((finding) => finding.severity !== 'info')
  const status = errors.length > 0 ? 'failed' : noticed ? 'done_with_findings' : 'done'
  return { status, counts: { ...counts }, findings, errors, body: { tables, swept, peakRssBytes: resourceUsage().maxRSS * 1024 } }
}

/** The closing words on an ingestion. */
export function summary(result: IngestResult, durationMs: number, lake: string): string[] {
  const { counts, findings, errors, tables } = result
  const seconds = Math.max(durationMs / 1000, 0.001)
  const idle = counts.filesFetched === 0 && counts.partitionsWritten === 0 && errors.length === 0
  const lines = [
    idle && counts.filesPlanned === 0
      ? `Nothing was selected (${formatDuration(durationMs)}).`
      : idle
        ? `Nothing to do: all ${formatCount(counts.filesSkipped)} files are in the lake and every table is up to date (${formatDuration(durationMs)}).`
        : `Done in ${formatDuration(durationMs)}: ${formatCount(counts.rowsWritten)} rows from ${formatCount(counts.filesFetched)} files.`,
    `  files    ${counts.filesPlanned} planned, ${counts.filesFetched} fetched (${formatBytes(counts.bytesRead)}), ${counts.filesSkipped} skipped, ${counts.filesQuarantined} quarantined, ${counts.filesFailed} failed`,
  ]
  if (!idle) {
    lines.push(
      `  rows     ${formatCount(counts.rowsRead)} read, ${formatCount(counts.rowsRejected)} rejected, ${formatCount(counts.duplicatesDropped)} duplicates dropped, ${formatCount(counts.barsWritten)} bars made`,
      `  speed    ${formatBytes(counts.csvBytes / seconds)}/s of CSV`,
      `  gaps     ${formatCount(counts.gaps)} (${formatCount(counts.missingBars)} bars missing)`,
    )
  }
  lines.push(
    `  tables   ${counts.partitionsWritten} partitions written, ${counts.partitionsUnchanged} unchanged: ${tables.join(', ') || 'none'}`,
  )
  lines.push(...findingLines(findings))
  for (const error of errors.slice(0, 10)) lines.push(`  failed   ${error.message} (${error.code})`)
  lines.push(`  lake     ${lake}`)
  return lines
}

async function dryRun(context: CommandContext, plan: AsyncIterable<DryRunSeries>): Promise<CommandResult> {
  const items: unknown[] = []
  const total = { filesPlanned: 0, filesSkipped: 0, bytesPlanned: 0 }
  for await (const { series, files, uncovered, held } of plan) {
    const bytes = files.reduce((sum, { object }) => sum + Math.max(object.size, 0), 0)
    total.filesPlanned += files.length
    total.filesSkipped += held
    total.bytesPlanned += bytes
    const missing = uncovered.map((gap) => ({ from: formatInstant(gap.start), to: formatInstant(gap.end), reason: gap.reason }))
    const { exchange, market, dataset: type, symbol, interval } = series
    items.push({
      exchange,
      market,
      type,
      symbol,
      interval: interval ?? null,
      files: files.map(({ key }) => key),
      bytes,
      held,
      uncovered: missing,
    })
    if (context.json) continue
    const name = [series.market, series.dataset, series.symbol, series.interval].filter((part) => part !== undefined).join(' ')
    context.out(`${name}: ${files.length} files, ${formatBytes(bytes)}, ${held} held already\n`)
    for (const gap of missing) context.out(`  not covered ${gap.from} – ${gap.to}: ${gap.reason.replaceAll('_', ' ')}\n`)
  }
  if (!context.json)
    context.out(
      `${total.filesPlanned} files, ${formatBytes(total.bytesPlanned)}; ${total.filesSkipped} held already; nothing was written\n`,
    )
  return { status: 'done', counts: total, body: { items } }
}
