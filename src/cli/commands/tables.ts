import { LakehouseError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { formatBytes } from '../../core/format.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { tablesCheck } from '../../operations/tables-check.ts'
import { tablesCompact } from '../../operations/tables-compact.ts'
import { tablesDescribe } from '../../operations/tables-describe.ts'
import { tablesDiff } from '../../operations/tables-diff.ts'
import { tablesExpire } from '../../operations/tables-expire.ts'
import { tablesFiles } from '../../operations/tables-files.ts'
import { tablesHealth } from '../../operations/tables-health.ts'
import { tablesHistory } from '../../operations/tables-history.ts'
import { tablesList } from '../../operations/tables-list.ts'
import { tablesOrphans } from '../../operations/tables-orphans.ts'
import { tablesPartitions } from '../../operations/tables-partitions.ts'
import { tablesPublish } from '../../operations/tables-publish.ts'
import { tablesRollback } from '../../operations/tables-rollback.ts'
import { tablesSnapshots } from '../../operations/tables-snapshots.ts'
import { tablesTag } from '../../operations/tables-tag.ts'
import { tablesUntag } from '../../operations/tables-untag.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, resultOf } from '../command.ts'
import { findingLines } from '../findings.ts'
import { count, duration } from '../numbers.ts'

/** The result of an operation, and the lines that show it to a user. */
type Shown = { readonly result: CommandResult; readonly lines: readonly string[] }

/** One verb of `tables`: the arguments after its name, and the work. */
type SubCommand = { readonly usage: string; run(context: CommandContext, args: readonly string[]): Promise<Shown> }

const SUB_COMMANDS: Readonly<Record<string, SubCommand>> = {
  list: {
    usage: '',
    run: async (context) => {
      const outcome = await context.call(tablesList, {})
      const rows = outcome.result.items.map((one) => [one.name, one.rows, one.files, formatBytes(one.bytes), one.from ?? '', one.to ?? ''])
      return shown(outcome, ['table', 'rows', 'files', 'size', 'from', 'to'], rows)
    },
  },
  describe: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesDescribe, { table })
      return { result: resultOf(outcome), lines: description(outcome.result) }
    },
  },
  snapshots: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesSnapshots, { table })
      const rows = outcome.result.items.map((one) => [
        one.snapshotId,
        one.time,
        one.operation,
        one.summary['added-records'] ?? '',
        one.summary['total-records'] ?? '',
        one.refs.join(', '),
      ])
      return shown(outcome, ['snapshot', 'time', 'operation', 'rows added', 'rows', 'refs'], rows)
    },
  },
  history: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesHistory, { table })
      const rows = outcome.result.items.map((one) => [one.time, one.snapshotId, one.isAncestor])
      return shown(outcome, ['time', 'snapshot', 'ancestor'], rows)
    },
  },
  files: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesFiles, { table })
      const rows = outcome.result.items.map((one) => [one.partition, one.rows, formatBytes(one.bytes), one.path])
      return shown(outcome, ['partition', 'rows', 'size', 'file'], rows)
    },
  },
  partitions: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesPartitions, { table })
      const rows = outcome.result.items.map((one) => [
        one.partition,
        one.files,
        one.rows,
        formatBytes(one.bytes),
        one.from ?? '',
        one.to ?? '',
      ])
      return shown(outcome, ['partition', 'files', 'rows', 'size', 'from', 'to'], rows)
    },
  },
  health: {
    usage: '[TABLE]',
    run: async (context, [table]) => found(await context.call(tablesHealth, { table }), 'the layout has no problems'),
  },
  check: {
    usage: '[TABLE]',
    run: async (context, [table]) => {
      const deep = context.values['deep'] === true
      return found(await context.call(tablesCheck, { table, deep }), deep ? 'every file is as it was written' : 'metadata and files agree')
    },
  },
  publish: {
    usage: '[TABLE]',
    run: async (context, [table]) => found(await context.call(tablesPublish, { table }), 'every catalog has the current versions'),
  },
  compact: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesCompact, { table })
      const { filesBefore, filesAfter, bytesBefore, bytesAfter, filesMoved } = outcome.counts
      const became = `${filesBefore} files (${formatBytes(bytesBefore)}) became ${filesAfter} (${formatBytes(bytesAfter)})`
      const lines = filesBefore === 0 ? [] : [became]
      if (filesMoved > 0) lines.push(`${filesMoved} files were moved to the folder of their partition`)
      return { result: resultOf(outcome), lines: lines.length === 0 ? ['nothing to compact'] : lines }
    },
  },
  expire: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const { values } = context
      const limits = { olderThanMs: duration(values, 'older-than'), keep: count(values, 'keep', 1), dryRun: isDry(context) }
      const outcome = await context.call(tablesExpire, { table, ...limits })
      const rows = outcome.result.items.map((one) => [one.snapshotId, one.time])
      return shown(outcome, ['snapshot', 'time'], rows)
    },
  },
  orphans: {
    usage: 'TABLE',
    run: async (context, [table = '']) => {
      const outcome = await context.call(tablesOrphans, {
        table,
        olderThanMs: duration(context.values, 'older-than'),
        dryRun: isDry(context),
      })
      const rows = outcome.result.items.map((one) => [one.key, formatBytes(one.bytes)])
      return shown(outcome, ['file', 'size'], rows)
    },
  },
  rollback: {
    usage: 'TABLE SNAPSHOT|TAG|TIME',
    run: async (context, [table = '', to = '']) => {
      const outcome = await context.call(tablesRollback, { table, to })
      return { result: resultOf(outcome), lines: [`rolled ${table} back to snapshot ${outcome.result.snapshotId}`] }
    },
  },
  tag: {
    usage: 'TABLE TAG [SNAPSHOT|TAG|TIME]',
    run: async (context, [table = '', tag = '', to]) => {
      const outcome = await context.call(tablesTag, { table, tag, to })
      return { result: resultOf(outcome), lines: [`tag ${tag} now names snapshot ${outcome.result.snapshotId}`] }
    },
  },
  untag: {
    usage: 'TABLE TAG',
    run: async (context, [table = '', tag = '']) => {
      const outcome = await context.call(tablesUntag, { table, tag })
      return { result: resultOf(outcome), lines: [`removed ${tag}`] }
    },
  },
  diff: {
    usage: 'TABLE SNAPSHOT|TAG|TIME [SNAPSHOT|TAG|TIME]',
    run: async (context, [table = '', from = '', to]) => {
      const outcome = await context.call(tablesDiff, { table, from, to, limit: count(context.values, 'limit', 0) })
      const { rowsAdded, rowsRemoved, rowsChanged } = outcome.counts
      const rows = outcome.result.items.map(({ change, row }) => `${change.padEnd(8)} ${JSON.stringify(row)}`)
      const lines = [...rows, `${rowsAdded} rows added, ${rowsRemoved} removed, ${rowsChanged} changed`]
      return { result: resultOf(outcome), lines }
    },
  },
}

export const tables: Command = {
  summary: 'Inspect and maintain the Iceberg tables',
  operations: [
    'tables.list',
    'tables.describe',
    'tables.snapshots',
    'tables.history',
    'tables.files',
    'tables.partitions',
    'tables.health',
    'tables.check',
    'tables.publish',
    'tables.compact',
    'tables.expire',
    'tables.orphans',
    'tables.rollback',
    'tables.tag',
    'tables.untag',
    'tables.diff',
  ],
  usage: `${Object.keys(SUB_COMMANDS).join('|')} [TABLE …] [OPTIONS]`,
  options: {
    'older-than': { type: 'string', value: 'TIME', help: 'minimum age (default: tiers.<layer>.snapshotDays; orphans: 3d)' },
    keep: { type: 'string', value: 'N', help: 'expire: always keep N snapshots (default: 1)' },
    limit: { type: 'string', value: 'N', help: 'diff: print at most N rows (default: 100)' },
    deep: { type: 'boolean', help: 'check: compare every file with its recorded digest' },
    'dry-run': { type: 'boolean', help: 'expire, orphans: show what would go; remove nothing' },
  },
  examples: [
    'crypto-lakehouse tables list',
    `crypto-lakehouse tables tag ${EXAMPLE.minutes} before-change`,
    `crypto-lakehouse tables diff ${EXAMPLE.minutes} before-change`,
    `crypto-lakehouse tables expire ${EXAMPLE.minutes} --older-than 30d`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [verb = '', ...args] = context.args
  const sub = Object.hasOwn(SUB_COMMANDS, verb) ? SUB_COMMANDS[verb] : undefined
  if (sub === undefined)
    throw new LakehouseError(
      'USAGE',
      `tables ${verb === '' ? 'needs a verb' : `has no verb "${verb}"`}: write one of ${Object.keys(SUB_COMMANDS).join(', ')}`,
    )
  const words = sub.usage.split(' ').filter((word) => word !== '')
  const least = words.filter((word) => !word.startsWith('[')).length
  if (args.length < least || args.length > words.length)
    throw new LakehouseError('USAGE', `tables ${verb} does not take these arguments: write tables ${verb} ${sub.usage}`.trimEnd())
  const { result, lines } = await sub.run(context, args)
  if (!context.json) context.out(`${[...lines, ...findingLines(result.findings ?? [])].join('\n')}\n`)
  return result
}

function isDry({ values }: CommandContext): boolean {
  return values['dry-run'] === true
}

function shown(outcome: Parameters<typeof resultOf>[0], names: readonly string[], rows: readonly (readonly unknown[])[]): Shown {
  return { result: resultOf(outcome), lines: [rows.length === 0 ? 'none' : textTable(names, rows)] }
}

function found(outcome: Parameters<typeof resultOf>[0] & { readonly findings?: readonly Finding[] }, good: string): Shown {
  return { result: resultOf(outcome), lines: outcome.findings?.length === 0 ? [good] : [] }
}

function description(table: Awaited<ReturnType<typeof tablesDescribe.run>>['result']): string[] {
  const partitioning = table.partitionSpec.map(({ source, transform }) => (transform === 'identity' ? source : `${transform}(${source})`))
  return [
    table.name,
    `  location   ${table.location}`,
    `  metadata   ${table.metadataLocation}`,
    `  snapshot   ${table.snapshotId ?? 'none'} (of ${table.snapshots}), ${table.updatedAt}`,
    `  partition  ${partitioning.join(', ') || 'none'}`,
    `  sorted by  ${table.sortOrder.join(', ') || 'none'}`,
    ...table.refs.map(({ name, type, snapshotId }) => `  ${type.padEnd(10)} ${name} → ${snapshotId}`),
    '',
    textTable(
      ['id', 'column', 'type', 'meaning'],
      table.schema.map(({ id, name, type, doc }) => [id, name, type, doc ?? '']),
    ),
  ]
}
