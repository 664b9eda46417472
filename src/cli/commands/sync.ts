import { resourceUsage } from 'node:process'
import type * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { formatBytes, formatCount, formatDuration } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { sync as copy } from '../../operations/sync.ts'
import { syncCompare } from '../../operations/sync-compare.ts'
import { syncExplain } from '../../operations/sync-explain.ts'
import { syncReport } from '../../operations/sync-report.ts'
import { keepHeapSmall } from '../../platform/small-heap.ts'
import { ENGINE_IDS } from '../../transfer/engines/engine.ts'
import { OPERATION_MODES } from '../../transfer/run/route.ts'
import { SYNC_MODES } from '../../transfer/sync-mode.ts'
import { VERIFY_MODES } from '../../transfer/verify-mode.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { findingLines } from '../findings.ts'
import { bytes, count, duration, share } from '../numbers.ts'
import { FILTER_OPTIONS, filter } from '../selection.ts'
import { SyncDisplay } from '../sync-display.ts'

export const sync: Command = {
  summary: 'Copy objects between stores, on the server side where possible',
  operations: ['sync', 'sync.explain', 'sync.compare', 'sync.report'],
  usage: '[SOURCE] [DESTINATION] [OPTIONS] | report [RUN]',
  drains: true,
  options: {
    mode: { type: 'string', value: 'M', help: 'allowed ways', choices: OPERATION_MODES },
    engine: { type: 'string', value: 'E', help: 'first choice', choices: ENGINE_IDS },
    'sync-mode': {
      type: 'string',
      value: 'M',
      help: 'sync also deletes extra objects',
      choices: SYNC_MODES,
    },
    'min-share': { type: 'string', value: 'S', help: 'delete none if the source shrank below this share (0–1)' },
    'max-delete': { type: 'string', value: 'N', help: 'delete none if more than N (default: sync.maxDelete)' },
    ...FILTER_OPTIONS,
    all: { type: 'boolean', help: 'also copy objects that are already there' },
    verify: { type: 'string', value: 'V', help: 'how to prove copies', choices: VERIFY_MODES },
    concurrency: { type: 'string', value: 'N', help: 'objects copied at the same time' },
    bwlimit: { type: 'string', value: 'BYTES', help: 'bytes per second through this machine: 10M' },
    tpslimit: { type: 'string', value: 'N', help: 'objects started per second' },
    'max-duration': { type: 'string', value: 'TIME', help: 'start no object after this time: 30m' },
    'max-transfer': { type: 'string', value: 'BYTES', help: 'start no object after this many bytes' },
    'plan-out': { type: 'string', value: 'FILE', help: 'write the plan to this file' },
    'plan-in': { type: 'string', value: 'FILE', help: 'execute the plan in this file' },
    'dry-run': { type: 'boolean', help: 'show what would be copied and deleted; write nothing' },
    compare: { type: 'boolean', help: 'copy a sample both ways, compare, remove the copies' },
    explain: { type: 'boolean', help: 'show the engine of each object and why; copy nothing' },
  },
  examples: [
    `crypto-lakehouse sync ${EXAMPLE.exchange} s3://my-bucket/archive?region=ap-northeast-1 --type klines --symbols BTCUSDT --interval 1m`,
    'crypto-lakehouse sync s3://a/x s3://b/x --sync-mode sync --dry-run',
    'crypto-lakehouse sync report',
  ],
  run,
}

type SyncInput = z.input<typeof copy.input>

async function run(context: CommandContext): Promise<CommandResult> {
  keepHeapSmall()
  const { args, values } = context
  if (args[0] === 'report') return await report(context)
  const collection = args.length === 0 ? context.loaded().config.archive_collection : undefined
  const input = inputOf(context)
  const notice = collection?.verbose === true ? { notice: (line: string) => context.note(`${line}\n`) } : {}
  if (values['dry-run'] === true || values['explain'] === true || collection?.dry_run === true) return await explain(context, input, notice)
  if (values['compare'] === true) return await compare(context, input, notice)
  const display = new SyncDisplay({ write: context.note, interactive: context.interactive, nowMs: context.nowMs })
  const onTransfer = context.json ? {} : { onTransfer: display.update.bind(display) }
  const outcome = await context.call(copy, input, { ...notice, ...onTransfer }).finally(() => display.clear())
  if (!context.json) context.out(`${summary(outcome).join('\n')}\n`)
  return { ...resultOf(outcome), body: { ...outcome.result, peakRssBytes: resourceUsage().maxRSS * 1024 } }
}

function inputOf({ args, values }: CommandContext): SyncInput {
  const [source, destination, ...more] = args
  if (more.length > 0) throw new LakehouseError('USAGE', `sync takes one source and one destination: remove "${more[0]}"`)
  const [planIn, planOut] = [text(values, 'plan-in'), text(values, 'plan-out')]
  if (planIn !== undefined && planOut !== undefined)
    throw new LakehouseError('USAGE', 'sync takes either --plan-out or --plan-in: remove one of them')
  return {
    ...{ source, destination, planIn, planOut },
    mode: OPERATION_MODES.find((one) => one === text(values, 'mode')),
    engine: ENGINE_IDS.find((one) => one === text(values, 'engine')),
    syncMode: SYNC_MODES.find((one) => one === text(values, 'sync-mode')),
    verify: VERIFY_MODES.find((one) => one === text(values, 'verify')),
    maxDelete: count(values, 'max-delete', 0),
    minShare: share(values, 'min-share'),
    ...filter(values),
    all: values['all'] === true,
    concurrency: count(values, 'concurrency', 1),
    bytesPerSecond: bytes(values, 'bwlimit'),
    requestsPerSecond: count(values, 'tpslimit', 1),
    maxDurationMs: duration(values, 'max-duration'),
    maxBytes: bytes(values, 'max-transfer'),
  }
}

type Notice = { readonly notice?: (line: string) => void }

async function explain(context: CommandContext, input: SyncInput, notice: Notice): Promise<CommandResult> {
  const isListed = !context.json && context.values['dry-run'] === true
  const outcome = await context.call(syncExplain, input, {
    ...notice,
    onItem: ({ action, key, size }) => (isListed ? context.out(`${action} ${key} (${formatBytes(size)})\n`) : undefined),
  })
  const { conditions, groups, estimate } = outcome.result
  const { objectsPlanned, objectsSkipped, objectsExtra, bytesPlanned } = outcome.counts
  if (!context.json) {
    for (const { name, met, detail } of conditions) context.out(`${met ? 'yes' : 'no '}  ${name.padEnd(24)} ${detail}\n`)
    for (const { engine, objects, bytes: size, why } of groups)
      context.out(`${engine ?? 'none'}: ${formatCount(objects)} objects, ${formatBytes(size)} (${why})\n`)
    const gone = outcome.result.syncMode === 'sync' ? `, ${formatCount(objectsExtra)} to delete` : ''
    context.out(
      `${formatCount(objectsPlanned)} objects to copy (${formatBytes(bytesPlanned)}), ${formatCount(objectsSkipped)} unchanged${gone}; about ${formatDuration(estimate.wallMs)} and $${estimate.costUsd.toFixed(4)}; nothing was written\n`,
    )
  }
  return resultOf(outcome)
}

async function compare(context: CommandContext, input: SyncInput, notice: Notice): Promise<CommandResult> {
  const outcome = await context.call(syncCompare, input, notice)
  const { chosen, traditional } = outcome.result.comparison
  const { objectsCompared, bytesCompared } = outcome.counts
  if (!context.json) {
    for (const [name, { wallMs, cpuMs, bytesThroughThisMachine, bytesOnDisk, costUsd }] of [
      ['this way', chosen],
      ['traditional', traditional],
    ] as const)
      context.out(
        `${name.padEnd(12)} ${formatDuration(wallMs)}, ${formatDuration(cpuMs)} of CPU, ${formatBytes(bytesThroughThisMachine)} through this machine, ${formatBytes(bytesOnDisk)} over its disk, about $${costUsd.toFixed(6)}\n`,
      )
    context.out(`${formatCount(objectsCompared)} objects, ${formatBytes(bytesCompared)}; the copies were removed\n`)
  }
  return resultOf(outcome)
}

async function report(context: CommandContext): Promise<CommandResult> {
  const [, run, ...more] = context.args
  if (more.length > 0) throw new LakehouseError('USAGE', 'sync report takes at most one run: write sync report [RUN]')
  const outcome = await context.call(syncReport, { run })
  if (!context.json) context.out(`${reportLines(outcome.result, outcome.counts).join('\n')}\n`)
  return resultOf(outcome)
}

function reportLines(result: z.output<typeof syncReport.result>, counts: Readonly<Record<string, number>>): string[] {
  const { run, startedAt, source, destination, engines, efficiency } = result
  const counted = (name: string) => formatCount(counts[name] ?? 0)
  const each = (some: Readonly<Record<string, number>>) => Object.entries(some).map(([name, n]) => `${name} ${formatCount(n)}`)
  return [
    `run ${run}, started ${startedAt}`,
    `  from     ${source}`,
    `  to       ${destination}`,
    `  objects  ${counted('objectsPlanned')} planned, ${counted('objectsCopied')} copied, ${counted('objectsSkipped')} already there, ${counted('objectsFailed')} failed, ${counted('objectsDeleted')} deleted`,
    `  engines  ${each(engines).join(', ') || 'none'}`,
    `  time     ${formatDuration(efficiency.wallMs)}, ${formatDuration(efficiency.cpuMs)} of CPU`,
    `  through  ${formatBytes(efficiency.bytesThroughThisMachine)} through this machine, ${formatBytes(efficiency.bytesOnDisk)} over its disk`,
    `  requests ${each(efficiency.requests).join(', ')}; ${formatCount(efficiency.retries)} retries; about $${efficiency.costUsd.toFixed(4)}`,
  ]
}

function summary(outcome: Awaited<ReturnType<typeof copy.run>>): string[] {
  const { findings = [], errors = [] } = outcome
  const { engines, efficiency, run } = outcome.result
  const { counts } = outcome
  const idle = counts.objectsPlanned === 0 && counts.objectsDeleted === 0 && errors.length === 0
  const mix = Object.entries(engines).map(([engine, objects]) => `${engine} ${formatCount(objects)}`)
  const lines = [
    idle
      ? `Nothing to do: all ${formatCount(counts.objectsSkipped)} objects are already there (${formatDuration(efficiency.wallMs)}).`
      : `Done in ${formatDuration(efficiency.wallMs)}: ${formatCount(counts.objectsCopied)} objects, ${formatBytes(counts.bytesCopied)} (${formatBytes(efficiency.bytesPerSecond)}/s).`,
    `  objects  ${formatCount(counts.objectsPlanned)} planned, ${formatCount(counts.objectsCopied)} copied, ${formatCount(counts.objectsSkipped)} already there, ${formatCount(counts.objectsFailed)} failed, ${formatCount(counts.objectsDeleted)} deleted`,
  ]
  if (!idle)
    lines.push(
      `  engines  ${mix.join(', ') || 'none'}`,
      `  through  ${formatBytes(efficiency.bytesThroughThisMachine)} through this machine, ${formatBytes(efficiency.bytesOnDisk)} over its disk (the traditional way: ${formatBytes(efficiency.traditional.bytesThroughThisMachine)}, ${formatBytes(efficiency.traditional.bytesOnDisk)})`,
      `  cost     about $${efficiency.costUsd.toFixed(4)} in requests (the traditional way: $${efficiency.traditional.costUsd.toFixed(4)}), ${formatCount(efficiency.retries)} retries`,
    )
  lines.push(...findingLines(findings))
  for (const error of errors.slice(0, 10)) lines.push(`  failed   ${error.message} (${error.code})`)
  lines.push(`  report   crypto-lakehouse sync report ${run}`)
  return lines
}
