import { resourceUsage } from 'node:process'
import type * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { formatBytes, formatCount, formatDuration } from '../../core/format.ts'
import { LAYERS, type Layer } from '../../lake/layout.ts'
import { ingest as bringIn } from '../../operations/ingest.ts'
import { ingestPlan } from '../../operations/ingest-plan.ts'
import { type Command, type CommandContext, type CommandResult, list, resultOf, text } from '../command.ts'
import { findingLines } from '../findings.ts'
import { ProgressDisplay } from '../progress.ts'
import { SELECTION_OPTIONS, selection } from '../selection.ts'

export const ingest: Command = {
  summary: 'Load part of the archive into bronze, silver and gold tables',
  operations: ['ingest', 'ingest.plan'],
  usage: 'TYPE|all [OPTIONS]',
  options: {
    ...SELECTION_OPTIONS,
    layers: { type: 'string', value: 'L,…', help: 'bronze, silver, gold (default: all three)' },
    'publish-if': { type: 'string', value: 'RULE', help: 'publish only if every changed day meets it: score>=95' },
    'dry-run': { type: 'boolean', help: 'show the plan; write nothing' },
  },
  examples: ['crypto-lakehouse ingest klines --market spot --symbols BTCUSDT,ETHUSDT --interval 1m --from 2024-01-01 --to 2024-03-01'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { values } = context
  const [name, ...more] = context.args
  if (name === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'ingest takes exactly one data type, or all: write ingest klines …')
  const chosen = { types: [name], archive: text(values, 'archive'), ...selection(values) }
  const layers = layersOf(context)
  return await (values['dry-run'] === true
    ? plan(context, chosen)
    : bring(context, { ...chosen, layers, publishIf: text(values, 'publish-if') }))
}

async function bring(context: CommandContext, input: z.input<typeof bringIn.input>): Promise<CommandResult> {
  const startedMs = context.nowMs()
  const display = new ProgressDisplay({ write: context.note, interactive: context.interactive, nowMs: context.nowMs })
  const hooks = context.json ? {} : { onIngest: display.update.bind(display) }
  const outcome = await context.call(bringIn, input, hooks).finally(() => display.clear())
  const lake = context.loaded().config.lake
  if (!context.json) context.out(`${summary(outcome, context.nowMs() - startedMs, lake).join('\n')}\n`)
  return ingestResult(outcome)
}

function layersOf(context: CommandContext): Layer[] {
  return list(context.values, 'layers').map((name) => {
    const layer = LAYERS.find((one) => one === name)
    if (layer === undefined) throw new LakehouseError('USAGE', `unknown layer "${name}": write one of ${LAYERS.join(', ')}`)
    return layer
  })
}

export type IngestOutcome = Awaited<ReturnType<typeof bringIn.run>>

/** Turns the outcome of an ingestion into the result of a command. */
export function ingestResult(outcome: IngestOutcome): CommandResult {
  const { body, ...rest } = resultOf(outcome)
  return { ...rest, body: { ...body, peakRssBytes: resourceUsage().maxRSS * 1024 } }
}

/** The lines that are printed when an ingestion ends. */
export function summary(outcome: IngestOutcome, durationMs: number, lake: string): string[] {
  const { findings = [], errors = [] } = outcome
  const { tables } = outcome.result
  const { counts } = outcome
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
      `  rows     ${formatCount(counts.rowsRead)} read, ${formatCount(counts.rowsRejected)} rejected, ${formatCount(counts.duplicatesDropped)} duplicates dropped, ${formatCount(counts.barsWritten)} bars built`,
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

async function plan(context: CommandContext, input: z.input<typeof ingestPlan.input>): Promise<CommandResult> {
  const outcome = await context.call(ingestPlan, input, {
    onItem: ({ market, type, symbol, interval, files, bytes, held, uncovered }) => {
      if (context.json) return
      const series = [market, type, symbol, interval].filter((part) => part !== null).join(' ')
      context.out(`${series}: ${files.length} files, ${formatBytes(bytes)}, ${held} already in the lake\n`)
      for (const { from, to, reason } of uncovered) context.out(`  not covered ${from} – ${to}: ${reason.replaceAll('_', ' ')}\n`)
    },
  })
  const { filesPlanned, filesSkipped, bytesPlanned } = outcome.counts
  if (!context.json)
    context.out(`${filesPlanned} files, ${formatBytes(bytesPlanned)}; ${filesSkipped} already in the lake; nothing was written\n`)
  return resultOf(outcome)
}
