import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Random } from '../../src/simulator/random.ts'
import { openLakehouse } from './lakehouse.ts'

const WRITER = join(import.meta.dirname, 'table-writer.ts')

export type Race = { readonly writers: number; readonly writes: number; readonly kills: number; readonly seed: string }

/**
 * Lets several processes write one table at once, some of them killed and begun again where they were; the table then holds what the same writes one after the other
 * would have made. Returns how many kills hit.
 */
export async function raceTables(lake: string, environment: NodeJS.ProcessEnv, { writers, writes, kills, seed }: Race): Promise<number> {
  const random = new Random(`race ${seed}`)
  let left = kills
  let hits = 0
  const writer = async (number: number) => {
    for (let next = 0; next < writes; ) {
      const child = spawn(process.execPath, [WRITER, lake, String(number), String(next), String(writes)], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...environment },
      })
      const victim = left > 0 && random.chance(0.5)
      if (victim) left--
      const lines = createInterface({ input: child.stdout })
      lines.on('line', (line) => {
        next = Number(line) + 1
      })
      const errors: Buffer[] = []
      child.stderr.on('data', (piece: Buffer) => errors.push(piece))
      const timer = victim ? setTimeout(() => child.kill('SIGKILL'), 300 + random.integer(4000)) : undefined
      const [code, signal] = await ended(child)
      clearTimeout(timer)
      if (signal === 'SIGKILL') hits++
      else assert.equal(code, 0, Buffer.concat(errors).toString())
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, number) => writer(number)))
  await check(lake, { writers, writes })
  return hits
}

async function ended(child: ChildProcess): Promise<[number | null, string | null]> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return [code, signal]
}

async function check(lake: string, { writers, writes }: Pick<Race, 'writers' | 'writes'>): Promise<void> {
  const lakehouse = openLakehouse({ lake, archive: lake })
  const rows = await lakehouse.select('SELECT id, part FROM silver.contested ORDER BY part, id')
  const expected: string[] = []
  for (let writer = 0; writer < writers; writer++) {
    let own: number | undefined
    for (let n = 0; n < writes; n++) {
      if (n % 10 === 9) continue
      if (n % 5 === 4) own = writer * 10_000 + n
      else expected.push(`shared ${writer * 10_000 + n}`)
    }
    if (own !== undefined) expected.push(`own ${writer} ${own}`)
  }
  assert.deepEqual(rows.map((row) => `${row['part']} ${row['id']}`).toSorted(), expected.toSorted())
  await lakehouse.withTables(true, async (tables) => {
    assert.deepEqual(await tables.check('silver.contested'), [])
    await tables.orphans('silver.contested', { beforeMs: Date.now() + 60_000, dryRun: false })
    assert.deepEqual(await tables.check('silver.contested'), [])
  })
}
