import { resourceUsage } from 'node:process'
import { type ArchiveCollection, collectionOptions } from '../../config/archive-collection.ts'
import type { Config } from '../../config/schema.ts'
import { LakehouseError } from '../../core/errors.ts'
import type { TransferOptions, Transfers } from '../../lakehouse/transfers.ts'
import { keepHeapSmall } from '../../platform/small-heap.ts'
import { ENGINE_IDS, type EngineId } from '../../transfer/engines/engine.ts'
import { OPERATION_MODES, type OperationMode } from '../../transfer/run/route.ts'
import type { SyncRequest, SyncResult } from '../../transfer/sync.ts'
import { SYNC_MODES, type SyncMode } from '../../transfer/sync-mode.ts'
import { VERIFY_MODES, type VerifyMode } from '../../transfer/verify-mode.ts'
import { collectionRequest } from '../collection.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { findingLines } from '../findings.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import { parseExchange } from '../selection.ts'
import { SyncDisplay } from '../sync-display.ts'
import { FILTER_OPTIONS, parseBytes, parseCount, parseDuration, parseFilter, parsePlaces } from '../transfer-options.ts'
import { syncReport } from './sync-report.ts'

export const sync: Command = {
  summary: 'Copy objects from one store to another: by the server where it can',
  usage: '[SOURCE] [DESTINATION] [OPTIONS] | report [RUN]',
  drains: true,
  options: {
    mode: { type: 'string', value: 'M', help: 'which ways are allowed (default: auto)', choices: OPERATION_MODES },
    engine: { type: 'string', value: 'E', help: 'the way to try first', choices: ENGINE_IDS },
    'sync-mode': {
      type: 'string',
      value: 'M',
      help: 'sync also deletes what only the destination has (default: copy)',
      choices: SYNC_MODES,
    },
    'max-delete': { type: 'string', value: 'N', help: 'delete nothing if it would be more (default: sync.maxDelete)' },
    ...FILTER_OPTIONS,
    all: { type: 'boolean', help: 'copy also what is there already' },
    verify: { type: 'string', value: 'V', help: 'how copies are proved', choices: VERIFY_MODES },
    concurrency: { type: 'string', value: 'N', help: 'objects under way at once' },
    bwlimit: { type: 'string', value: 'BYTES', help: 'bytes a second through this machine: 10M' },
    tpslimit: { type: 'string', value: 'N', help: 'objects begun a second' },
    'max-duration': { type: 'string', value: 'TIME', help: 'begin nothing after that: 30m' },
    'max-transfer': { type: 'string', value: 'BYTES', help: 'begin nothing after so much' },
    'plan-out': { type: 'string', value: 'FILE', help: 'write the plan there' },
    'plan-in': { type: 'string', value: 'FILE', help: 'execute a plan that was written before' },
    'dry-run': { type: 'boolean', help: 'show what would be copied and deleted, write nothing' },
    compare: { type: 'boolean', help: 'copy a sample both this and the traditional way, remove it again, and tell what each took' },
    explain: { type: 'boolean', help: 'show which way each object would go, and why; write nothing' },
  },
  examples: [
    `crypto-lakehouse sync ${EXAMPLE.exchange} s3://my-bucket/archive?region=ap-northeast-1 --type klines --symbols BTCUSDT --interval 1m`,
    'crypto-lakehouse sync s3://a/x s3://b/x --sync-mode sync --dry-run',
    'crypto-lakehouse sync report',
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  keepHeapSmall()
  if (context.args[0] === 'report') return await syncReport(context)
  const { values } = context
  const collection = context.args.length === 0 ? context.loaded().config.archive_collection : undefined
  const transfers = await context.transfers(withOptions(context, collection))
  const { sync } = transfers.config
  const places = collection === undefined ? parsePlaces(context) : { source: sync.source, destination: sync.destination }
  const request = collection === undefined ? parseRequest(context, transfers.config) : collectionRequest(collection, sync)
  const display = new SyncDisplay({ write: context.note, interactive: context.interactive, nowMs: context.nowMs })
  const options: TransferOptions = {
    ...places,
    exchange: parseExchange(values).id,
    bytesPerSecond: parseBytes('bwlimit', text(values, 'bwlimit')),
    requestsPerSecond: parseCount('tpslimit', text(values, 'tpslimit'), 1),
    drain: context.drain,
    onProgress: (counts) => (context.json ? undefined : display.update(counts)),
    onNotice: (notice) => (context.verbose || collection?.verbose === true ? context.note(`${notice}\n`) : undefined),
  }
  if (values['dry-run'] === true || values['explain'] === true || collection?.dry_run === true)
    return await explain(context, request, options, transfers)
  if (values['compare'] === true) return await compareWays(context, request, options, transfers)
  const result = await transfers.sync(request, options).finally(() => display.clear())
  if (!context.json) context.out(`${summary(result).join('\n')}\n`)
  return toResult(result)
}

function withOptions(context: CommandContext, collection: ArchiveCollection | undefined): (config: Config) => Config {
  const concurrency = parseCount('concurrency', text(context.values, 'concurrency'), 1)
  const verify = text(context.values, 'verify') as VerifyMode | undefined
  return (config) => {
    const sync = collection === undefined ? config.sync : collectionOptions(collection, config.sync)
    return { ...config, sync: { ...sync, concurrency: concurrency ?? sync.concurrency, verify: verify ?? sync.verify } }
  }
}

function parseRequest(context: CommandContext, config: Config): SyncRequest {
  const { values } = context
  const [planIn, planOut] = [text(values, 'plan-in'), text(values, 'plan-out')]
  if (planIn !== undefined && planOut !== undefined)
    throw new LakehouseError('USAGE', 'a plan is either written or executed: --plan-out or --plan-in')
  return {
    syncMode: (text(values, 'sync-mode') ?? 'copy') as SyncMode,
    maxDelete: parseCount('max-delete', text(values, 'max-delete'), 0) ?? config.sync.maxDelete,
    mode: (text(values, 'mode') ?? 'auto') as OperationMode,
    engine: text(values, 'engine') as EngineId | undefined,
    preferDirectSync: true,
    incremental: values['all'] !== true,
    ...parseFilter(values, context.nowMs()),
    keys: undefined,
    listParallel: config.sync.listParallel,
    planOut,
    planIn,
    maxDurationMs: parseDuration('max-duration', text(values, 'max-duration')),
    maxBytes: parseBytes('max-transfer', text(values, 'max-transfer')),
  }
}

/** So many objects are listed by --dry-run in a --json envelope. */
const LISTED = 10_000

async function explain(
  context: CommandContext,
  request: SyncRequest,
  options: TransferOptions,
  transfers: Transfers,
): Promise<CommandResult> {
  const items: unknown[] = []
  const deletes = request.syncMode === 'sync'
  const { route, explanation } = await transfers.explain(request, options, (object) => {
    if (object.action === 'delete' && !deletes) return
    if (context.json) items.length < LISTED && items.push(object)
    else if (context.values['dry-run'] === true) context.out(`${object.action} ${object.key} (${formatBytes(object.size)})\n`)
  })
  const { groups, estimate } = explanation
  if (!context.json) {
    for (const { name, met, detail } of route.conditions) context.out(`${met ? 'yes' : 'no '}  ${name.padEnd(24)} ${detail}\n`)
    for (const { engine, objects, bytes, why } of groups)
      context.out(`${engine ?? 'none'}: ${formatCount(objects)} objects, ${formatBytes(bytes)} (${why})\n`)
    const gone = deletes ? `, ${formatCount(explanation.extra)} to delete` : ''
    context.out(
      `${formatCount(explanation.objects)} objects to copy (${formatBytes(explanation.bytes)}), ${formatCount(explanation.unchanged)} unchanged${gone}; about ${formatDuration(estimate.wallMs)} and $${estimate.costUsd.toFixed(4)}; nothing was written\n`,
    )
  }
  const counts = {
    objectsPlanned: explanation.objects,
    objectsSkipped: explanation.unchanged,
    objectsExtra: explanation.extra,
    bytesPlanned: explanation.bytes,
  }
  return {
    status: 'done',
    counts,
    body: { items, conditions: route.conditions, engines: route.engines, unfit: route.unfit, groups, estimate },
  }
}

/** Objects of a comparison. */
const SAMPLE = 20

async function compareWays(
  context: CommandContext,
  request: SyncRequest,
  options: TransferOptions,
  transfers: Transfers,
): Promise<CommandResult> {
  const found = await transfers.compare(request, options, SAMPLE)
  if (!context.json)
    for (const [name, { wallMs, cpuMs, bytesThroughThisMachine, bytesOnDisk, costUsd }] of [
      ['this way', found.chosen],
      ['traditional', found.traditional],
    ] as const)
      context.out(
        `${name.padEnd(12)} ${formatDuration(wallMs)}, ${formatDuration(cpuMs)} of CPU, ${formatBytes(bytesThroughThisMachine)} through this machine, ${formatBytes(bytesOnDisk)} over its disk, about $${costUsd.toFixed(6)}\n`,
      )
  if (!context.json) context.out(`${formatCount(found.objects)} objects, ${formatBytes(found.bytes)}; the copies were removed again\n`)
  const { objects, bytes, ...comparison } = found
  return { status: 'done', counts: { objectsCompared: objects, bytesCompared: bytes }, body: { comparison } }
}

function toResult(result: SyncResult): CommandResult {
  const { counts, findings, errors, efficiency, route, engines, run } = result
  const status = errors.length > 0 ? 'failed' : findings.length > 0 ? 'done_with_findings' : 'done'
  const { requests } = efficiency
  return {
    status,
    counts: { ...counts },
    findings,
    errors,
    body: { run, engines, requests, efficiency, conditions: route.conditions, peakRssBytes: resourceUsage().maxRSS * 1024 },
  }
}

function summary({ counts, engines, efficiency, findings, errors, run }: SyncResult): string[] {
  const idle = counts.objectsPlanned === 0 && counts.objectsDeleted === 0 && errors.length === 0
  const mix = Object.entries(engines).map(([engine, objects]) => `${engine} ${formatCount(objects)}`)
  const lines = [
    idle
      ? `Nothing to do: all ${formatCount(counts.objectsSkipped)} objects are there (${formatDuration(efficiency.wallMs)}).`
      : `Done in ${formatDuration(efficiency.wallMs)}: ${formatCount(counts.objectsCopied)} objects, ${formatBytes(counts.bytesCopied)} (${formatBytes(efficiency.bytesPerSecond)}/s).`,
    `  objects  ${formatCount(counts.objectsPlanned)} planned, ${formatCount(counts.objectsCopied)} copied, ${formatCount(counts.objectsSkipped)} there already, ${formatCount(counts.objectsFailed)} failed, ${formatCount(counts.objectsDeleted)} deleted`,
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
