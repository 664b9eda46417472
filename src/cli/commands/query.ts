import { LakehouseError } from '../../core/errors.ts'
import { formatBytes } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { query as ask } from '../../operations/query.ts'
import { queryExplain } from '../../operations/query-explain.ts'
import { RESULT_FORMATS } from '../../query/run-query.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'

export const query: Command = {
  summary: 'Ask the lake in SQL (read only)',
  operations: ['query', 'query.explain'],
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
  const { args, values } = context
  const [sql, ...more] = args
  if (sql === undefined || more.length > 0) throw new LakehouseError('USAGE', 'query takes one SQL text: query "SELECT …"')
  const asOf = text(values, 'as-of')
  if (values['explain'] === true) return await explain(context, sql, asOf)
  const output = text(values, 'output')
  const isShown = context.json && output === undefined
  const format = RESULT_FORMATS.find((one) => one === text(values, 'format')) ?? 'table'
  const outcome = await context.call(ask, { sql, asOf, ...(isShown ? {} : { format, output }) })
  if (output !== undefined && !context.json) context.note(`wrote ${output}\n`)
  return resultOf(outcome)
}

async function explain(context: CommandContext, sql: string, asOf: string | undefined): Promise<CommandResult> {
  const outcome = await context.call(queryExplain, { sql, asOf })
  for (const table of context.json ? [] : outcome.result.items) {
    const { filesRead, filesSkipped, skippedBy, bytesRead, manifestsRead, manifestsSkipped, snapshotId } = table
    const why =
      skippedBy === null || filesSkipped === 0 ? '' : `, left out ${skippedBy.partition} by partition and ${skippedBy.bounds} by bounds`
    context.out(
      `${table.table}: snapshot ${snapshotId ?? 'none'}, ${filesRead} files of ${filesRead + filesSkipped} (${formatBytes(bytesRead)})${why}, ${manifestsRead} manifests read, ${manifestsSkipped} skipped\n`,
    )
  }
  return resultOf(outcome)
}
