// One of several writers of one table: node table-writer.ts LAKE WRITER FIRST COUNT. Prints the number of each write that is done.
import { configSchema } from '../../src/config/schema.ts'
import { asLakehouseError } from '../../src/core/errors.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import type { Tables } from '../../src/lakehouse/tables.ts'
import { PARTS } from './parts-table.ts'

const [lake = '', writer = '0', first = '0', count = '0'] = process.argv.slice(2)
const config = configSchema.parse({ lake, engine: { workers: 1 } })
const lakehouse = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
const NAME = 'silver.contested'

/** Most are appends to a part that all share; every fifth replaces the writer's own part, every tenth compacts. */
async function write(tables: Tables, n: number): Promise<void> {
  const row = (part: string) => `SELECT ${Number(writer) * 10_000 + n}::BIGINT AS id, '${part}' AS part`
  if (n % 10 === 9) await tables.compact(NAME)
  else if (n % 5 === 4) await tables.write(NAME, row(`own ${writer}`), { mode: 'overwrite', shape: PARTS })
  else await tables.write(NAME, row('shared'), { mode: 'append', shape: PARTS, once: `${writer}-${n}` })
}

await lakehouse.withTables(true, async (tables) => {
  for (let n = Number(first); n < Number(count); n++) {
    for (let tries = 1; ; tries++) {
      try {
        await write(tables, n)
        break
      } catch (error) {
        if (asLakehouseError(error).code !== 'COMMIT_CONFLICT' || tries === 20) throw error
      }
    }
    process.stdout.write(`${n}\n`)
  }
})
