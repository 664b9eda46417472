// Kills every command that writes at random moments, moves the clock between runs, and compares what is left with runs that were not killed:
// node bootstrap/start.mjs --script scripts/kill-all.ts [ROUNDS] [SEED]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killEverything } from '../test/support/kill-all.ts'

const rounds = Number(process.argv[2] ?? 300)
const seed = process.argv[3] ?? 'everything'
const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-kill-'))
try {
  const hits = await killEverything(folder, rounds, seed, (text) => process.stdout.write(`${text}\n`))
  process.stdout.write(`${rounds} rounds (seed ${seed}), ${hits} kills during work: content equal, nothing left\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
