// Kills ingestions at random moments and compares the lakes: node bootstrap/start.mjs --script scripts/kill.ts [ROUNDS] [SEED]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killRounds } from '../test/support/kill.ts'

const rounds = Number(process.argv[2] ?? 50)
const seed = process.argv[3] ?? 'kill'
const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-kill-'))
try {
  const { baseMs, hits } = await killRounds(folder, rounds, seed, (text) => process.stdout.write(`${text}\n`))
  process.stdout.write(
    `${rounds} rounds (seed ${seed}), ${hits} kills during work, run without a kill ${Math.round(baseMs)} ms: every lake equals the lake without a kill\n`,
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
