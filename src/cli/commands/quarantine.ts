import { textTable } from '../../query/text-table.ts'
import { quarantinePage } from '../../silver/quality-page.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { parseCount } from '../transfer-options.ts'

export const quarantine: Command = {
  summary: 'Bytes and lines that could not be trusted, with the reason',
  usage: '[OPTIONS]',
  options: { limit: { type: 'string', value: 'N', help: 'so many lines at most (default: 1000)' }, ...HTML_OPTION },
  examples: ['crypto-lakehouse quarantine --json'],
  run,
}

/** So many are shown. */
const SHOWN = 40

async function run(context: CommandContext): Promise<CommandResult> {
  const limit = parseCount('limit', text(context.values, 'limit'), 1) ?? 1000
  const held = await (await context.open()).withQuality(false, (quality) => quality.quarantine(limit))
  const { objects, lines, total } = held
  if (!context.json) {
    if (objects.length > 0)
      context.out(
        `${textTable(
          ['object', 'reason'],
          objects.map((one) => [one.key, one.reason]),
        )}\n`,
      )
    if (lines.length > 0)
      context.out(
        `${textTable(
          ['object', 'line', 'column', 'reason', 'text'],
          lines.slice(0, SHOWN).map((one) => [one.object, one.line, one.column ?? '', one.reason, one.text.slice(0, 60)]),
        )}\n`,
      )
    context.out(`${objects.length} objects, ${total} lines\n`)
  }
  await writeHtml(context, (madeAt) => quarantinePage(held, madeAt))
  return {
    status: objects.length + total > 0 ? 'done_with_findings' : 'done',
    counts: { objects: objects.length, lines: total },
    body: { objects, items: lines },
  }
}
