import { LakehouseError } from '../../core/errors.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { quarantineDrop } from '../../operations/quarantine-drop.ts'
import { quarantineList } from '../../operations/quarantine-list.ts'
import { quarantineRelease } from '../../operations/quarantine-release.ts'
import { quarantinePage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { count } from '../numbers.ts'

export const quarantine: Command = {
  summary: 'List what is quarantined, why, and the decisions; decide',
  operations: ['quarantine.list', 'quarantine.drop', 'quarantine.release'],
  usage: '[list | drop KEY | release KEY] [OPTIONS]',
  options: {
    limit: { type: 'string', value: 'N', help: 'list: at most N lines (default: 1000)' },
    line: { type: 'string', value: 'N', help: 'drop, release: line of the object (drop: default all)' },
    as: { type: 'string', value: 'TEXT', help: 'release: the corrected line, with all its fields' },
    reason: { type: 'string', value: 'TEXT', help: 'drop, release: the reason; it is stored with the decision' },
    ...HTML_OPTION,
  },
  examples: [
    'crypto-lakehouse quarantine --json',
    `crypto-lakehouse quarantine drop ${EXAMPLE.object} --line 12 --reason 'a line of the exporter'`,
  ],
  run,
}

/** At most this many lines are printed. */
const SHOWN = 40

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', key, ...more] = context.args
  if (verb === 'list' && key === undefined) return await show(context)
  const isDecision = verb === 'drop' || verb === 'release'
  if (!isDecision || key === undefined || more.length > 0)
    throw new LakehouseError(
      'USAGE',
      'quarantine takes a verb: quarantine list, quarantine drop KEY [--line N] --reason TEXT, or quarantine release KEY --line N --as TEXT --reason TEXT',
    )
  const line = count(context.values, 'line', 1)
  const [correction, reason] = [text(context.values, 'as'), text(context.values, 'reason')]
  if (reason === undefined)
    throw new LakehouseError('USAGE', `quarantine ${verb} needs a reason, which is stored with the decision: add --reason TEXT`)
  if (verb === 'drop') {
    if (correction !== undefined)
      throw new LakehouseError('USAGE', 'quarantine drop does not take --as: remove it, or write quarantine release')
    return await drop(context, { key, line, reason })
  }
  if (correction === undefined || line === undefined)
    throw new LakehouseError('USAGE', 'quarantine release needs --line N and --as TEXT: add both')
  if (/[\r\n]/.test(correction)) throw new LakehouseError('USAGE', '--as contains a line break: write one line')
  return await release(context, { key, line, text: correction, reason })
}

async function drop(context: CommandContext, decision: { key: string; line: number | undefined; reason: string }): Promise<CommandResult> {
  const outcome = await context.call(quarantineDrop, decision)
  const what = decision.line === undefined ? decision.key : `${decision.key} line ${decision.line}`
  if (!context.json) context.out(`dropped ${what}; its bytes stay where they are\n`)
  return resultOf(outcome)
}

async function release(
  context: CommandContext,
  decision: { key: string; line: number; text: string; reason: string },
): Promise<CommandResult> {
  const outcome = await context.call(quarantineRelease, decision)
  if (!context.json)
    context.out(
      `released ${decision.key} line ${decision.line}; to add it to its table, run crypto-lakehouse ingest TYPE --layers silver,gold\n`,
    )
  return resultOf(outcome)
}

async function show(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(quarantineList, { limit: count(context.values, 'limit', 1) })
  const { objects, items, decisions } = outcome.result
  const { lines, open } = outcome.counts
  const state = ({ dropped }: { dropped: boolean }) => (dropped ? 'dropped' : 'open')
  if (!context.json) {
    const held = objects.map((one) => [one.key, one.reason, state(one)])
    if (held.length > 0) context.out(`${textTable(['object', 'reason', 'state'], held)}\n`)
    const shown = items
      .slice(0, SHOWN)
      .map((one) => [one.object, one.line, one.column ?? '', one.reason, one.text.slice(0, 60), state(one)])
    if (shown.length > 0) context.out(`${textTable(['object', 'line', 'column', 'reason', 'text', 'state'], shown)}\n`)
    const released = decisions.filter(({ decision }) => decision === 'released').length
    context.out(`${objects.length} objects, ${lines} lines; ${open} open, ${released} lines released\n`)
  }
  await writeHtml(context, (madeAt) => quarantinePage({ objects, lines: items, total: lines, open, decisions }, madeAt))
  return resultOf(outcome)
}
