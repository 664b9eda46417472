import { formatBytes, formatCount } from '../../core/format.ts'
import { status as showStatus } from '../../operations/status.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { findingLines } from '../findings.ts'

export const status: Command = { summary: 'Show what the lake holds', operations: ['status'], usage: '[OPTIONS]', options: {}, run }

async function run(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(showStatus, {})
  const found = outcome.result
  if (!context.json) {
    const rows = found.items.map((table) => [
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
    context.out(`quarantined rows: ${formatCount(found.rowsQuarantined)}\n`)
    for (const { key, reason } of found.quarantine) context.out(`  quarantined: ${key} (${reason})\n`)
    for (const line of findingLines(outcome.findings ?? [])) context.out(`${line}\n`)
    context.out(
      `\nlast runs\n${textTable(
        ['run', 'from', 'to', 'verified', 'quarantined', 'decoded'],
        found.runs.map((run) => [run.run, run.from, run.to, run.verified, run.quarantined, run.decoded]),
      )}\n`,
    )
  }
  return resultOf(outcome)
}
