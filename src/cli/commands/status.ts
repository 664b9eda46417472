import { textTable } from '../../query/formats/text-table.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'

export const status: Command = { summary: 'Show what the lake holds', usage: '[OPTIONS]', options: {}, run }

async function run(context: CommandContext): Promise<CommandResult> {
  const found = await (await context.open()).status()
  if (!context.json) {
    const rows = found.tables.map((table) => [
      table.name,
      table.rows,
      table.files,
      formatBytes(table.bytes),
      table.from ?? '',
      table.to ?? '',
      table.snapshots,
    ])
    context.out(`${found.lake}\n\n${textTable(['table', 'rows', 'files', 'size', 'from', 'to', 'snapshots'], rows)}\n\n`)
    for (const { status: state, objects, bytes } of found.objects)
      context.out(`objects ${state}: ${formatCount(objects)} (${formatBytes(bytes)})\n`)
    context.out(`rows in quarantine: ${formatCount(found.rowsQuarantined)}\n`)
    for (const { key, reason } of found.quarantine) context.out(`  quarantined: ${key} (${reason})\n`)
    context.out(
      `\nlast runs\n${textTable(
        ['run', 'from', 'to', 'verified', 'quarantined', 'decoded'],
        found.runs.map((run) => [run.run, run.from, run.to, run.verified, run.quarantined, run.decoded]),
      )}\n`,
    )
  }
  const { tables, ...rest } = found
  return { status: 'done', counts: { tables: tables.length }, body: { ...rest, items: tables } }
}
