import { LakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import { keepHeapSmall } from '../../platform/small-heap.ts'
import type { Difference } from '../../transfer/verify.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { formatCount } from '../format.ts'
import { parseExchange } from '../selection.ts'
import { FILTER_OPTIONS, parseFilter } from '../transfer-options.ts'

export const verify: Command = {
  summary: 'Compare a destination with its source, whoever copied it',
  usage: 'SOURCE DESTINATION [OPTIONS]',
  options: {
    ...FILTER_OPTIONS,
    full: { type: 'boolean', help: 'read every object on both sides and compare SHA-256' },
    'one-way': { type: 'boolean', help: 'what only the destination has is no difference' },
  },
  examples: ['crypto-lakehouse verify s3://a/x s3://b/x', `crypto-lakehouse verify ${EXAMPLE.exchange} ./mirror --symbols BTCUSDT --full`],
  run,
}

/** So many differences are told one by one; all are counted. */
const LISTED = 1000

async function run(context: CommandContext): Promise<CommandResult> {
  keepHeapSmall()
  const [source, destination, ...more] = context.args
  if (source === undefined || destination === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'verify takes a source and a destination')
  const differences: Difference[] = []
  const oneWay = context.values['one-way'] === true
  const transfers = await context.transfers()
  const counts = await transfers.verify(
    {
      ...parseFilter(context.values, context.nowMs()),
      full: context.values['full'] === true,
      parallel: transfers.config.sync.listParallel,
      onDifference: (one) => void (differences.length < LISTED && !(oneWay && one.difference === 'extra') && differences.push(one)),
      onRestart: () => {
        differences.length = 0
      },
    },
    {
      source,
      destination,
      exchange: parseExchange(context.values).id,
      bytesPerSecond: undefined,
      requestsPerSecond: undefined,
      drain: context.drain,
      onProgress: () => {},
      onNotice: (notice) => (context.verbose ? context.note(`${notice}\n`) : undefined),
    },
  )
  const wrong = counts.objectsMissing + counts.objectsDifferent + (oneWay ? 0 : counts.objectsExtra)
  if (!context.json) {
    for (const { key, difference, explanation } of differences) context.out(`${difference.padEnd(9)} ${key}: ${explanation}\n`)
    if (wrong > differences.length) context.out(`… and ${formatCount(wrong - differences.length)} more\n`)
    context.out(
      `${formatCount(counts.objectsCompared)} objects compared: ${formatCount(counts.objectsMissing)} missing, ${formatCount(counts.objectsDifferent)} different, ${formatCount(counts.objectsExtra)} only at the destination\n`,
    )
  }
  const findings = differences.map((one) => toFinding(one, destination))
  return { status: wrong === 0 ? 'done' : 'done_with_findings', counts: { ...counts }, findings, body: { items: differences } }
}

function toFinding({ key, difference, explanation }: Difference, destination: string): Finding {
  const severity = difference === 'extra' ? 'warning' : 'error'
  return wholeFinding(destination, difference, severity, 1, `${key}: ${explanation}`)
}
