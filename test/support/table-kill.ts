import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../../src/simulator/random.ts'
import { openLakehouse } from './lakehouse.ts'

const CHAOS = join(import.meta.dirname, 'table-chaos.ts')

/**
 * Kills a process that does one thing after the other to a table, again and again: the table always opens, its metadata says what its files hold, and what the killed left
 * behind can be cleaned away. Returns how often each thing was under way when the kill came.
 */
export async function killTables(lake: string, kills: number, seed: string): Promise<Record<string, number>> {
  const random = new Random(`kill tables ${seed}`)
  const hit: Record<string, number> = {}
  const lakehouse = openLakehouse({ lake, archive: lake })
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [CHAOS, lake, `${seed} ${kill}`], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err] = [text(child.stdout), text(child.stderr)]
    const exited = once(child, 'exit') as Promise<[number | null, string | null]>
    await Promise.race([delay(450 + random.integer(900)), exited])
    child.kill('SIGKILL')
    const [, signal] = await exited
    assert.equal(signal, 'SIGKILL', await err)
    const last = (await out).trimEnd().split('\n').at(-1) ?? ''
    if (last !== '') hit[last] = (hit[last] ?? 0) + 1
    await lakehouse.withTables(true, async (tables) => {
      if (!(await tables.list()).some(({ name }) => name === 'silver.chaos')) return
      assert.deepEqual(await tables.check('silver.chaos'), [], `after a kill in ${last}`)
      await tables.orphans('silver.chaos', { beforeMs: Date.now() + 1000, dryRun: false })
      assert.deepEqual(await tables.check('silver.chaos'), [], `after cleaning up after a kill in ${last}`)
      assert.deepEqual(await tables.orphans('silver.chaos', { beforeMs: Date.now() + 1000, dryRun: true }), [])
    })
  }
  return hit
}
