// Kills transfers at random moments and compares source and destination: node bootstrap/start.mjs --script scripts/kill-transfers.ts [ROUNDS] [SEED] [small | large]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startVersity } from '../test/support/s3-server.ts'
import { KILL_LOADS, killTransfers } from '../test/support/transfer-kill.ts'

const rounds = Number(process.argv[2] ?? 50)
const seed = process.argv[3] ?? 'kill'
const load = KILL_LOADS[process.argv[4] === 'large' ? 'large' : 'small']
const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-kill-'))
const server = await startVersity()
try {
  const hits = await killTransfers(server, folder, rounds, seed, load, (text) => process.stdout.write(`${text}\n`))
  process.stdout.write(
    `${rounds} rounds (seed ${seed}), ${hits} kills during work: every destination equals its source, and no temporary object is left\n`,
  )
} finally {
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
