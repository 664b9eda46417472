// Lets several processes write one table at the same time, on disk and on a real S3 server: node bootstrap/start.mjs --script scripts/race-tables.ts [WRITERS] [WRITES] [KILLS] [SEED]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyLake } from '../test/support/empty-lake.ts'
import { startVersity } from '../test/support/s3-server.ts'
import { raceTables } from '../test/support/table-race.ts'

const [writers = 8, writes = 50, kills = 20] = process.argv.slice(2, 5).map(Number)
const seed = process.argv[5] ?? 'race'
const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-race-'))
const server = await startVersity()
Object.assign(process.env, server.environment, { LAKEHOUSE_CACHE_DIRECTORY: join(folder, 'cache') })
try {
  for (const lake of [join(folder, 'lake'), await server.bucket('race')]) {
    await emptyLake(lake)
    const started = performance.now()
    const hits = await raceTables(lake, {}, { writers, writes, kills, seed })
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stdout.write(
      `${lake}: ${writers} processes with ${writes} writes each, ${hits} kills: the content equals that of serial writes (${seconds} s)\n`,
    )
  }
} finally {
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
