// Kills a process at random moments while it works on a table: node bootstrap/start.mjs --script scripts/kill-tables.ts [KILLS] [SEED]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyLake } from '../test/support/empty-lake.ts'
import { killTables } from '../test/support/table-kill.ts'

const kills = Number(process.argv[2] ?? 200)
const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-kill-'))
try {
  const lake = join(folder, 'lake')
  await emptyLake(lake)
  const hit = await killTables(lake, kills, process.argv[3] ?? 'kill')
  process.stdout.write(`${kills} kills: the table always opened and was complete; kills by operation: ${JSON.stringify(hit)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
