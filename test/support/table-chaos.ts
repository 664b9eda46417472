// Does one thing after the other to a table until it is killed: node table-chaos.ts LAKE SEED. Prints what it begins.

import { configSchema } from '../../src/config/schema.ts'
import { asLakehouseError } from '../../src/core/errors.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import type { Tables } from '../../src/lakehouse/tables.ts'
import { Random } from '../../src/simulator/random.ts'
import { PARTS } from './parts-table.ts'

const [lake = '', seed = ''] = process.argv.slice(2)
const random = new Random(`chaos ${seed}`)
const config = configSchema.parse({ lake, engine: { workers: 1 } })
const lakehouse = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
const NAME = 'silver.chaos'

const select = (part: string) => `SELECT ${random.integer(1e9)}::BIGINT AS id, '${part}' AS part`

/** Rows fit the table whatever columns it has got meanwhile. */
async function rows(tables: Tables, part: string): Promise<string> {
  const { schema } = await tables.describe(NAME)
  const more = schema.slice(2).map(({ name }) => `NULL::VARCHAR AS ${name}`)
  return [select(part), ...more].join(', ')
}

const THINGS: Readonly<Record<string, (tables: Tables) => Promise<unknown>>> = {
  append: async (tables) => tables.write(NAME, await rows(tables, `p${random.integer(3)}`), { mode: 'append' }),
  overwrite: async (tables) => tables.write(NAME, await rows(tables, `p${random.integer(3)}`), { mode: 'overwrite' }),
  compact: (tables) => tables.compact(NAME),
  delete: (tables) => tables.deletePartitions(NAME, ({ partition }) => partition[0] === 'p2'),
  tag: (tables) => tables.tag(NAME, `t${random.integer(3)}`, undefined),
  untag: (tables) => tables.untag(NAME, `t${random.integer(3)}`),
  rollback: async (tables) => {
    const list = await tables.snapshots(NAME)
    return await tables.rollback(NAME, { snapshot: list[random.integer(list.length)]?.snapshotId ?? -1 })
  },
  expire: (tables) => tables.expire(NAME, { olderThanMs: -1000, defaultAgeMs: 0, keep: 3, dryRun: false }),
  orphans: (tables) => tables.orphans(NAME, { beforeMs: Date.now() + 1000, dryRun: false }),
  alter: (tables) => tables.alterColumns(NAME, [{ kind: 'add', name: `c${random.integer(1e9)}`, type: 'string' }]),
  cut: (tables) =>
    tables.alterPartition(
      NAME,
      random.chance(0.5) ? [{ source: 'part', transform: 'identity' }] : [{ source: 'part', transform: 'bucket[2]' }],
    ),
}

await lakehouse.withTables(true, async (tables) => {
  await tables.create(NAME, PARTS)
  await tables.write(NAME, await rows(tables, 'p0'), { mode: 'append' })
  const names = Object.keys(THINGS)
  for (;;) {
    const name = names[random.integer(names.length)] ?? ''
    process.stdout.write(`${name}\n`)
    await THINGS[name]?.(tables).catch((error: unknown) => {
      if (!['TABLE_REF_INVALID', 'TABLE_UNSUPPORTED', 'COMMIT_CONFLICT', 'SNAPSHOT_NOT_FOUND'].includes(asLakehouseError(error).code))
        throw error
    })
  }
})
