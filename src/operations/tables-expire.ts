import * as z from 'zod'
import { formatInstant } from '../core/time.ts'
import { shownId } from '../lake/iceberg/metadata.ts'
import { LAYERS } from '../lake/layout.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { dryRun, instant, snapshotId, table } from './schemas.ts'

const DAY_MS = 86_400_000

export const tablesExpire = operation({
  id: 'tables.expire',
  summary: 'Remove old snapshots of a table; tagged snapshots stay',
  permission: 'write',
  input: z.strictObject({
    table,
    olderThanMs: z
      .number()
      .min(0)
      .optional()
      .describe('minimum age; default: the property history.expire.max-snapshot-age-ms of the table, else tiers.<layer>.snapshotDays'),
    keep: z.number().int().min(1).default(1).describe('number of snapshots that always stay'),
    dryRun,
  }),
  result: z.strictObject({
    items: z.array(z.strictObject({ snapshotId, time: instant })),
    refs: z.array(z.string()).describe('branches and tags beyond their age'),
  }),
  example: { table: EXAMPLE.minutes, dryRun: true },
  run: (context, input) =>
    onTables(context, 'write', async (tables) => {
      const layer = LAYERS.find((one) => input.table.startsWith(`${one}.`)) ?? 'silver'
      const usual = context.loaded().config.tiers[layer].snapshotDays * DAY_MS
      const { olderThanMs, keep, dryRun: isDry } = input
      const { snapshots, refs } = await tables.expire(input.table, { olderThanMs, defaultAgeMs: usual, keep, dryRun: isDry })
      const items = snapshots.map((one) => ({ snapshotId: shownId(one['snapshot-id']), time: formatInstant(one['timestamp-ms'] * 1000) }))
      return { status: 'done', counts: { snapshotsExpired: items.length, refsExpired: refs.length }, result: { items, refs: [...refs] } }
    }),
})
