import { LakehouseError } from '../../core/errors.ts'
import { formatCount } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { verify as audit } from '../../operations/verify.ts'
import { keepHeapSmall } from '../../platform/small-heap.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { FILTER_OPTIONS, filter } from '../selection.ts'

export const verify: Command = {
  summary: 'Compare a destination with its source, whatever tool copied it',
  operations: ['verify'],
  usage: 'SOURCE DESTINATION [OPTIONS]',
  options: {
    ...FILTER_OPTIONS,
    full: { type: 'boolean', help: 'read all objects on both sides and compare SHA-256' },
    'one-way': { type: 'boolean', help: 'ignore objects that only the destination has' },
  },
  examples: ['crypto-lakehouse verify s3://a/x s3://b/x', `crypto-lakehouse verify ${EXAMPLE.exchange} ./mirror --symbols BTCUSDT --full`],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  keepHeapSmall()
  const { values } = context
  const [source, destination, ...more] = context.args
  if (source === undefined || destination === undefined || more.length > 0)
    throw new LakehouseError('USAGE', 'verify takes exactly one source and one destination: write verify SOURCE DESTINATION')
  const oneWay = values['one-way'] === true
  const outcome = await context.call(audit, { source, destination, ...filter(values), full: values['full'] === true, oneWay })
  const { items } = outcome.result
  const { objectsCompared, objectsMissing, objectsDifferent, objectsExtra } = outcome.counts
  if (!context.json) {
    for (const { key, difference, explanation } of items) context.out(`${difference.padEnd(9)} ${key}: ${explanation}\n`)
    const wrong = objectsMissing + objectsDifferent + (oneWay ? 0 : objectsExtra)
    if (wrong > items.length) context.out(`… and ${formatCount(wrong - items.length)} more\n`)
    context.out(
      `${formatCount(objectsCompared)} objects compared: ${formatCount(objectsMissing)} missing, ${formatCount(objectsDifferent)} different, ${formatCount(objectsExtra)} only at the destination\n`,
    )
  }
  return resultOf(outcome)
}
