import type * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { formatBytes } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { query as ask } from '../../operations/query.ts'
import { queryExplain } from '../../operations/query-explain.ts'
import { RESULT_FORMATS } from '../../query/run-query.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text, type Values } from '../command.ts'
import { bytes, count, duration } from '../numbers.ts'

export const query: Command = {
  summary: 'Query the lake in SQL (read only)',
  operations: ['query', 'query.explain'],
  usage: 'SQL [OPTIONS]',
  options: {
    format: { type: 'string', value: 'F', help: 'output format (default: table)', choices: RESULT_FORMATS },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'file to write to (default: standard output)' },
    'as-of': { type: 'string', value: 'SNAPSHOT|TAG|TIME', help: 'read the tables as of a snapshot, tag or time' },
    timeout: { type: 'string', value: 'D', help: 'longest time of the query: 30s, 5m (default: query.timeoutSeconds)' },
    'max-memory': { type: 'string', value: 'SIZE', help: 'memory of the query: 512M, 4G (default: query.memoryMb)' },
    'max-spill': { type: 'string', value: 'SIZE', help: 'disk for intermediate results (default: query.spillMb)' },
    'max-rows': { type: 'string', value: 'N', help: 'rows of the result (default: query.maxRows)' },
    explain: { type: 'boolean', help: 'list the files it would read; do not run it' },
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
  if (sql === undefined || more.length > 0) throw new LakehouseError('USAGE', 'query takes exactly one SQL text: write query "SELECT …"')
  const asOf = text(values, 'as-of')
  const bounds = boundsOf(values)
  if (values['explain'] === true) return await explain(context, { sql, asOf, ...bounds })
  const output = text(values, 'output')
  const isShown = context.json && output === undefined
  const format = RESULT_FORMATS.find((one) => one === text(values, 'format')) ?? 'table'
  const outcome = await context.call(ask, { sql, asOf, ...bounds, ...(isShown ? {} : { format, output }) })
  if (output !== undefined && !context.json) context.note(`wrote ${output}\n`)
  return resultOf(outcome)
}

function boundsOf(values: Values) {
  const megabytes = (name: string) => {
    const size = bytes(values, name)
    return size === undefined ? undefined : Math.ceil(size / 2 ** 20)
  }
  return {
    timeoutMs: duration(values, 'timeout'),
    memoryMb: megabytes('max-memory'),
    spillMb: megabytes('max-spill'),
    maxRows: count(values, 'max-rows', 1),
  }
}

async function explain(context: CommandContext, input: z.input<typeof queryExplain.input>): Promise<CommandResult> {
  const outcome = await context.call(queryExplain, input)
  for (const table of context.json ? [] : outcome.result.items) {
    const { filesRead, filesSkipped, skippedBy, bytesRead, manifestsRead, manifestsSkipped, snapshotId } = table
    const why =
      skippedBy === null || filesSkipped === 0 ? '' : `, ${skippedBy.partition} skipped by partition and ${skippedBy.bounds} by bounds`
    context.out(
      `${table.table}: snapshot ${snapshotId ?? 'none'}, ${filesRead} files of ${filesRead + filesSkipped} (${formatBytes(bytesRead)})${why}, ${manifestsRead} manifests read, ${manifestsSkipped} skipped\n`,
    )
  }
  return resultOf(outcome)
}
