import { LakehouseError } from '../../core/errors.ts'
import type { AsOf } from '../../lake/iceberg/table.ts'
import { RESULT_FORMATS, type ResultFormat } from '../../query/run-query.ts'
import { parseAsOf } from '../as-of.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { formatBytes } from '../format.ts'

export const query: Command = {
  summary: 'Ask the lake in SQL (read only)',
  usage: 'SQL [OPTIONS]',
  options: {
    format: { type: 'string', value: 'F', help: 'how the result is written (default: table)', choices: RESULT_FORMATS },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'where to write it (default: standard output)' },
    'as-of': { type: 'string', value: 'SNAPSHOT|TAG|TIME', help: 'the tables as they were' },
    explain: { type: 'boolean', help: 'show which files would be read, and run nothing' },
  },
  examples: [
    `crypto-lakehouse query "SELECT * FROM ${EXAMPLE.minutes} WHERE symbol = 'BTCUSDT' LIMIT 5"`,
    `crypto-lakehouse query "SELECT * FROM ${EXAMPLE.days}" --format parquet -o days.parquet`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [sql, ...more] = context.args
  if (sql === undefined || more.length > 0) throw new LakehouseError('USAGE', 'query takes one SQL text: query "SELECT …"')
  const asOf = parseAsOf(text(context.values, 'as-of'))
  if (context.values['explain'] === true) return await explain(context, sql, asOf)
  const output = text(context.values, 'output')
  const format = (text(context.values, 'format') ?? 'table') as ResultFormat
  if (context.json && output === undefined) return { status: 'done', body: { items: await (await context.open()).show(sql, asOf) } }
  const tables = await (await context.open()).query(sql, { format, output, asOf }, context.out)
  if (output !== undefined && !context.json) context.note(`wrote ${output}\n`)
  return { status: 'done', body: { output: output ?? null, tables } }
}

async function explain(context: CommandContext, sql: string, asOf: AsOf | undefined): Promise<CommandResult> {
  const tables = await (await context.open()).explain(sql, asOf)
  for (const table of context.json ? [] : tables) {
    const { filesRead, filesSkipped, skippedBy, bytesRead, manifestsRead, manifestsSkipped, snapshotId } = table
    const why =
      skippedBy === null || filesSkipped === 0 ? '' : `, left out ${skippedBy.partition} by partition and ${skippedBy.bounds} by bounds`
    context.out(
      `${table.table}: snapshot ${snapshotId ?? 'none'}, ${filesRead} files of ${filesRead + filesSkipped} (${formatBytes(bytesRead)})${why}, ${manifestsRead} manifests read, ${manifestsSkipped} skipped\n`,
    )
  }
  return { status: 'done', body: { items: tables } }
}
