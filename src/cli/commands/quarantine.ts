import { LakehouseError } from '../../core/errors.ts'
import type { Quality } from '../../lakehouse/quality.ts'
import { quarantinePage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { parseCount } from '../transfer-options.ts'

export const quarantine: Command = {
  summary: 'Bytes and lines that could not be trusted, with the reason, and what was decided of them',
  usage: '[list | drop KEY | release KEY] [OPTIONS]',
  options: {
    limit: { type: 'string', value: 'N', help: 'list: so many lines at most (default: 1000)' },
    line: { type: 'string', value: 'N', help: 'drop, release: the line of the object; drop without it means the object' },
    as: { type: 'string', value: 'TEXT', help: 'release: the line as it is to be read, with all its fields' },
    reason: { type: 'string', value: 'TEXT', help: 'drop, release: why; it is kept with the decision' },
    ...HTML_OPTION,
  },
  examples: [
    'crypto-lakehouse quarantine --json',
    `crypto-lakehouse quarantine drop ${EXAMPLE.object} --line 12 --reason 'a line of the exporter'`,
  ],
  run,
}

/** So many are shown. */
const SHOWN = 40

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = 'list', key, ...more] = context.args
  if (verb === 'list' && key === undefined) return await show(context)
  const isDecision = verb === 'drop' || verb === 'release'
  if (!isDecision || key === undefined || more.length > 0)
    throw new LakehouseError(
      'USAGE',
      'quarantine list, quarantine drop KEY [--line N] --reason TEXT, or quarantine release KEY --line N --as TEXT --reason TEXT',
    )
  const line = parseCount('line', text(context.values, 'line'), 1) ?? null
  const correction = text(context.values, 'as') ?? null
  const reason = text(context.values, 'reason')
  if (reason === undefined) throw new LakehouseError('USAGE', '--reason says why: it is kept with the decision')
  if ((verb === 'release') !== (correction !== null) || (correction !== null && line === null))
    throw new LakehouseError('USAGE', 'release takes --line and --as, drop takes no --as')
  if (correction !== null && /[\r\n]/.test(correction)) throw new LakehouseError('USAGE', '--as is one line')
  await (await context.open()).withQuality(true, (quality: Quality) => quality.decide(key, { line, text: correction, reason }))
  const what = `${key}${line === null ? '' : ` line ${line}`}`
  const next =
    verb === 'release'
      ? 'it is in its table after the next: crypto-lakehouse ingest TYPE --layers silver,gold'
      : 'its bytes stay where they are'
  if (!context.json) context.out(`${what} is ${verb === 'release' ? 'released' : 'dropped'}; ${next}\n`)
  return { status: 'done', body: { key, line, decision: verb === 'release' ? 'released' : 'dropped' } }
}

async function show(context: CommandContext): Promise<CommandResult> {
  const limit = parseCount('limit', text(context.values, 'limit'), 1) ?? 1000
  const held = await (await context.open()).withQuality(false, (quality) => quality.quarantine(limit))
  const { objects, lines, total, open, decisions } = held
  if (!context.json) {
    if (objects.length > 0)
      context.out(
        `${textTable(
          ['object', 'reason', 'state'],
          objects.map((one) => [one.key, one.reason, one.dropped ? 'dropped' : 'open']),
        )}\n`,
      )
    if (lines.length > 0)
      context.out(
        `${textTable(
          ['object', 'line', 'column', 'reason', 'text', 'state'],
          lines
            .slice(0, SHOWN)
            .map((one) => [one.object, one.line, one.column ?? '', one.reason, one.text.slice(0, 60), one.dropped ? 'dropped' : 'open']),
        )}\n`,
      )
    const released = decisions.filter(({ decision }) => decision === 'released').length
    context.out(`${objects.length} objects, ${total} lines; ${open} open, ${released} lines released\n`)
  }
  await writeHtml(context, (madeAt) => quarantinePage(held, madeAt))
  return {
    status: open > 0 ? 'done_with_findings' : 'done',
    counts: { objects: objects.length, lines: total, open },
    body: { objects, items: lines, decisions },
  }
}
