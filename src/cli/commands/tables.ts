import { LakehouseError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { formatInstant } from '../../core/time.ts'
import { shownId } from '../../lake/iceberg/metadata.ts'
import { LAYERS } from '../../lake/layout.ts'
import type { Tables } from '../../lakehouse/tables.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { parseAsOf } from '../as-of.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { findingLines } from '../findings.ts'
import { formatBytes } from '../format.ts'
import { parseCount, parseDuration } from '../transfer-options.ts'

/** One of the things that `tables` does: what follows its name, whether it writes, and how. */
type SubCommand = {
  readonly usage: string
  readonly writes?: boolean
  run(tables: Tables, args: readonly string[], context: CommandContext): Promise<CommandResult>
}

const SUB_COMMANDS: Readonly<Record<string, SubCommand>> = {
  list: {
    usage: '',
    run: async (tables, _args, context) => {
      const items = await tables.list()
      const rows = items.map((one) => [one.name, one.rows, one.files, formatBytes(one.bytes), one.from ?? '', one.to ?? ''])
      return show(context, items, ['table', 'rows', 'files', 'size', 'from', 'to'], rows)
    },
  },
  describe: {
    usage: 'TABLE',
    run: async (tables, [name = ''], context) => {
      const found = await tables.describe(name)
      if (!context.json) context.out(`${description(found).join('\n')}\n`)
      return { status: 'done', body: found }
    },
  },
  snapshots: {
    usage: 'TABLE',
    run: async (tables, [name = ''], context) => {
      const items = await tables.snapshots(name)
      const rows = items.map((one) => [
        one.snapshotId,
        one.time,
        one.operation,
        one.summary['added-records'] ?? '',
        one.summary['total-records'] ?? '',
        one.refs.join(', '),
      ])
      return show(context, items, ['snapshot', 'time', 'operation', 'rows added', 'rows', 'refs'], rows)
    },
  },
  history: {
    usage: 'TABLE',
    run: async (tables, [name = ''], context) => {
      const items = await tables.history(name)
      return show(
        context,
        items,
        ['time', 'snapshot', 'ancestor'],
        items.map((one) => [one.time, one.snapshotId, one.isAncestor]),
      )
    },
  },
  files: {
    usage: 'TABLE',
    run: async (tables, [name = ''], context) => {
      const items = await tables.files(name)
      const rows = items.map((one) => [one.partition, one.rows, formatBytes(one.bytes), one.path])
      return show(context, items, ['partition', 'rows', 'size', 'file'], rows)
    },
  },
  partitions: {
    usage: 'TABLE',
    run: async (tables, [name = ''], context) => {
      const items = await tables.partitions(name)
      const rows = items.map((one) => [one.partition, one.files, one.rows, formatBytes(one.bytes), one.from ?? '', one.to ?? ''])
      return show(context, items, ['partition', 'files', 'rows', 'size', 'from', 'to'], rows)
    },
  },
  health: {
    usage: '[TABLE]',
    run: async (tables, [name], context) => tell(context, await tables.health(name), 'the layout is as it should be'),
  },
  check: { usage: '[TABLE]', run: async (tables, [name], context) => tell(context, await tables.check(name), 'metadata and files agree') },
  publish: {
    usage: '[TABLE]',
    run: async (tables, [name], context) => tell(context, await tables.publish(name), 'every catalog knows the current versions'),
  },
  compact: {
    usage: 'TABLE',
    writes: true,
    run: async (tables, [name = ''], context) => {
      const done = await tables.compact(name)
      const { filesBefore, filesAfter, bytesBefore, bytesAfter, filesMoved } = done
      const told = [
        ...(filesBefore === 0
          ? []
          : [`${filesBefore} files (${formatBytes(bytesBefore)}) became ${filesAfter} (${formatBytes(bytesAfter)})`]),
        ...(filesMoved === 0 ? [] : [`${filesMoved} files were put into the folder of their partition`]),
      ]
      if (!context.json) context.out(`${told.join('\n') || 'nothing to compact'}\n`)
      return { status: 'done', counts: { ...done } }
    },
  },
  expire: {
    usage: 'TABLE',
    writes: true,
    run: async (tables, [name = ''], context) => {
      const keep = parseCount('keep', text(context.values, 'keep'), 1) ?? 1
      const gone = await tables.expire(name, {
        beforeMs: before(context, `${usualDays(context, name)}d`),
        keep,
        dryRun: context.values['dry-run'] === true,
      })
      const items = gone.map((one) => ({ snapshotId: shownId(one['snapshot-id']), time: formatInstant(one['timestamp-ms'] * 1000) }))
      return show(
        context,
        items,
        ['snapshot', 'time'],
        items.map((one) => [one.snapshotId, one.time]),
        { snapshotsExpired: items.length },
      )
    },
  },
  orphans: {
    usage: 'TABLE',
    writes: true,
    run: async (tables, [name = ''], context) => {
      const items = await tables.orphans(name, { beforeMs: before(context, '3d'), dryRun: context.values['dry-run'] === true })
      const bytes = items.reduce((sum, one) => sum + one.bytes, 0)
      return show(
        context,
        items,
        ['file', 'size'],
        items.map((one) => [one.key, formatBytes(one.bytes)]),
        { filesRemoved: items.length, bytesRemoved: bytes },
      )
    },
  },
  rollback: {
    usage: 'TABLE SNAPSHOT|TAG|TIME',
    writes: true,
    run: async (tables, [name = '', to], context) => {
      const snapshotId = await tables.rollback(name, parseAsOf(to) ?? { snapshot: -1 })
      if (!context.json) context.out(`${name} is at snapshot ${snapshotId} again\n`)
      return { status: 'done', body: { snapshotId } }
    },
  },
  tag: {
    usage: 'TABLE TAG [SNAPSHOT|TAG|TIME]',
    writes: true,
    run: async (tables, [name = '', tag = '', to], context) => {
      const snapshotId = await tables.tag(name, tag, parseAsOf(to))
      if (!context.json) context.out(`${tag} names snapshot ${snapshotId}\n`)
      return { status: 'done', body: { snapshotId } }
    },
  },
  untag: {
    usage: 'TABLE TAG',
    writes: true,
    run: async (tables, [name = '', tag = ''], context) => {
      await tables.untag(name, tag)
      if (!context.json) context.out(`${tag} is gone\n`)
      return { status: 'done' }
    },
  },
  diff: {
    usage: 'TABLE SNAPSHOT|TAG|TIME [SNAPSHOT|TAG|TIME]',
    run: async (tables, [name = '', from, to], context) => {
      const limit = parseCount('limit', text(context.values, 'limit'), 0) ?? 100
      const { diff, rows } = await tables.diff(name, parseAsOf(from) ?? { snapshot: -1 }, parseAsOf(to), limit)
      if (!context.json) {
        for (const { change, row } of rows) context.out(`${change.padEnd(8)} ${JSON.stringify(row)}\n`)
        context.out(`${diff.rowsAdded} rows added, ${diff.rowsRemoved} removed, ${diff.rowsChanged ?? 0} changed\n`)
      }
      return { status: 'done', counts: { ...diff, rowsChanged: diff.rowsChanged ?? 0 }, body: { items: rows } }
    },
  },
}

export const tables: Command = {
  summary: 'Look at the Iceberg tables, and keep them in order',
  usage: `${Object.keys(SUB_COMMANDS).join('|')} [TABLE …] [OPTIONS]`,
  options: {
    'older-than': { type: 'string', value: 'TIME', help: 'expire, orphans: only what is older (default: tiers.<layer>.snapshotDays, 3d)' },
    keep: { type: 'string', value: 'N', help: 'expire: so many snapshots stay in any case (default: 1)' },
    limit: { type: 'string', value: 'N', help: 'diff: so many rows are shown (default: 100)' },
    'dry-run': { type: 'boolean', help: 'expire, orphans: tell what would go' },
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
  const found = Object.hasOwn(SUB_COMMANDS, verb) ? SUB_COMMANDS[verb] : undefined
  if (found === undefined)
    throw new LakehouseError(
      'USAGE',
      `tables ${verb === '' ? 'needs a verb' : `has no "${verb}"`}: ${Object.keys(SUB_COMMANDS).join(', ')}`,
    )
  const words = found.usage.split(' ').filter((word) => word !== '')
  const least = words.filter((word) => !word.startsWith('[')).length
  if (args.length < least || args.length > words.length) throw new LakehouseError('USAGE', `tables ${verb} ${found.usage}`.trimEnd())
  const house = await context.open()
  return await house.withTables(
    found.writes === true,
    async (tables) => {
      const result = await found.run(tables, args, context)
      if (tables.findings.length === 0) return result
      if (!context.json) context.out(`${findingLines(tables.findings).join('\n')}\n`)
      return { ...result, status: 'done_with_findings', findings: [...(result.findings ?? []), ...tables.findings] }
    },
    (notice) => context.note(`${notice}\n`),
  )
}

/** Days that snapshots of the table's layer are kept for. */
function usualDays(context: CommandContext, name: string): number {
  const layer = LAYERS.find((one) => name.startsWith(`${one}.`)) ?? 'silver'
  return context.loaded().config.tiers[layer].snapshotDays
}

function before(context: CommandContext, usual: string): number {
  return context.nowMs() - (parseDuration('older-than', text(context.values, 'older-than') ?? usual) ?? 0)
}

function show(
  context: CommandContext,
  items: readonly unknown[],
  names: readonly string[],
  rows: readonly (readonly unknown[])[],
  counts?: Readonly<Record<string, number>>,
): CommandResult {
  if (!context.json) context.out(rows.length === 0 ? 'none\n' : `${textTable(names, rows)}\n`)
  return { status: 'done', ...(counts === undefined ? {} : { counts }), body: { items } }
}

function tell(context: CommandContext, findings: readonly Finding[], good: string): CommandResult {
  if (!context.json) context.out(findings.length === 0 ? `${good}\n` : `${findingLines(findings).join('\n')}\n`)
  return { status: findings.length === 0 ? 'done' : 'done_with_findings', findings, counts: { findings: findings.length } }
}

function description(found: Awaited<ReturnType<Tables['describe']>>): string[] {
  const cut = found.partitionSpec.map(({ source, transform }) => (transform === 'identity' ? source : `${transform}(${source})`))
  return [
    found.name,
    `  location   ${found.location}`,
    `  metadata   ${found.metadataLocation}`,
    `  snapshot   ${found.snapshotId ?? 'none'} (of ${found.snapshots}), ${found.updatedAt}`,
    `  cut by     ${cut.join(', ') || 'nothing'}`,
    `  sorted by  ${found.sortOrder.join(', ') || 'nothing'}`,
    ...found.refs.map(({ name, type, snapshotId }) => `  ${type.padEnd(10)} ${name} → ${snapshotId}`),
    '',
    textTable(
      ['id', 'column', 'type', 'meaning'],
      found.schema.map(({ id, name, type, doc }) => [id, name, type, doc ?? '']),
    ),
  ]
}
