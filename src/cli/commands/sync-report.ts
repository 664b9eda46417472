import { LakehouseError } from '../../core/errors.ts'
import { localStore } from '../../storage/local.ts'
import type { CommandContext, CommandResult } from '../command.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'

type Report = {
  run: string
  startedAt: string
  source: string
  destination: string
  counts: Record<string, number>
  engines: Record<string, number>
  efficiency: {
    wallMs: number
    cpuMs: number
    costUsd: number
    retries: number
    bytesThroughThisMachine: number
    bytesOnDisk: number
    requests: Record<string, number>
  }
}

/** The report of a run that has ended, by default of the last one. */
export async function syncReport(context: CommandContext): Promise<CommandResult> {
  const [, wanted, ...more] = context.args
  if (more.length > 0) throw new LakehouseError('USAGE', 'sync report takes one run, or none for the last')
  const state = localStore(context.loaded().config.sync.state)
  const runs: { run: string; key: string }[] = []
  for await (const { key } of state.list('')) {
    const run = /\/runs\/([^/]+)\.json$/.exec(key)?.[1]
    if (run !== undefined) runs.push({ run, key })
  }
  runs.sort((a, b) => (a.run < b.run ? -1 : 1))
  const found = wanted === undefined ? runs.at(-1) : runs.find(({ run }) => run === wanted)
  if (found === undefined)
    throw new LakehouseError(
      'USAGE',
      wanted === undefined ? 'no transfer has ended here yet' : `there is no run ${wanted}: the last is ${runs.at(-1)?.run ?? 'none'}`,
    )
  const report = JSON.parse(Buffer.from(await state.get(found.key)).toString('utf8')) as Report
  if (!context.json) context.out(`${lines(report).join('\n')}\n`)
  const { counts, ...body } = report
  return { status: 'done', counts, body: { ...body, objects: `${state.url}/${found.key.replace(/json$/, 'ndjson')}` } }
}

function lines({ run, startedAt, source, destination, counts, engines, efficiency }: Report): string[] {
  const count = (name: string) => formatCount(counts[name] ?? 0)
  return [
    `run ${run}, begun ${startedAt}`,
    `  from     ${source}`,
    `  to       ${destination}`,
    `  objects  ${count('objectsPlanned')} planned, ${count('objectsCopied')} copied, ${count('objectsSkipped')} there already, ${count('objectsFailed')} failed, ${count('objectsDeleted')} deleted`,
    `  engines  ${
      Object.entries(engines)
        .map(([engine, n]) => `${engine} ${formatCount(n)}`)
        .join(', ') || 'none'
    }`,
    `  time     ${formatDuration(efficiency.wallMs)}, ${formatDuration(efficiency.cpuMs)} of CPU`,
    `  through  ${formatBytes(efficiency.bytesThroughThisMachine)} through this machine, ${formatBytes(efficiency.bytesOnDisk)} over its disk`,
    `  requests ${Object.entries(efficiency.requests)
      .map(([operation, n]) => `${operation} ${formatCount(n)}`)
      .join(', ')}; ${formatCount(efficiency.retries)} retries; about $${efficiency.costUsd.toFixed(4)}`,
  ]
}
