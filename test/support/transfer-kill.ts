import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultRule } from '../../src/simulator/faults.ts'
import { Random } from '../../src/simulator/random.ts'
import { proxyS3 } from '../../src/simulator/s3-proxy.ts'
import { deleteObjects, listUploads } from '../../src/storage/s3/operations.ts'
import { killedCli } from './killed-cli.ts'
import { openS3, type S3Server } from './s3-server.ts'
import { contentOf, fill } from './transfers.ts'

const FAULTS: readonly FaultRule[] = [
  { fault: { kind: 'status', status: 503 }, match: /^(Copy|Get|Put|Upload)/, probability: 0.03 },
  { fault: { kind: 'reset' }, match: /^(Copy|Get|Put|Upload)/, probability: 0.02 },
  { fault: { kind: 'lost' }, match: /^(Copy|Put|Complete)/, probability: 0.01 },
]

const sync = (args: readonly string[], environment: NodeJS.ProcessEnv, killAfterMs?: number) =>
  killedCli(['sync', ...args, '--quiet'], environment, killAfterMs)

/** What is moved: small objects and large ones; how often each transfer is killed, and after how long at most. */
type KillLoad = {
  readonly objects: number
  readonly large: number
  readonly largeBytes: number
  readonly kills: number
  readonly withinMs: number
}

export const KILL_LOADS = {
  small: { objects: 1500, large: 2, largeBytes: (17 << 20) + 5, kills: 1, withinMs: 1000 },
  large: { objects: 20_000, large: 20, largeBytes: 200e6, kills: 5, withinMs: 12_000 },
} as const satisfies Record<string, KillLoad>

/**
 * Kills transfers over a store with faults at random moments, each by another engine, each time followed by a rerun: the destination then holds what the source
 * holds, no upload in parts is left, no download, no lease. Returns how many kills hit a run that was still at work.
 */
export async function killTransfers(
  server: S3Server,
  folder: string,
  rounds: number,
  seed: string,
  load: KillLoad,
  report: (text: string) => void = () => {},
): Promise<number> {
  const random = new Random(`transfers ${seed}`)
  const source = await server.bucket(`kill-src-${seed}`)
  const filled = openS3(source)
  await fill(
    filled,
    Array.from({ length: load.objects }, (_, n) => `data/${n % 5}/object-${String(n).padStart(5, '0')}`),
  )
  for (let n = 1; n <= load.large; n++) await filled.store.put(`large-${n}`, Buffer.alloc(load.largeBytes, `large-${n}`))
  filled.close()
  const wanted = await contentOf(source)
  const proxy = await proxyS3({ endpoint: server.endpoint, faults: FAULTS, seed })
  let hits = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      const engine = ['server-copy', 'relay', 'traditional'][round % 3] ?? ''
      const destination = await server.bucket(`kill-dst-${seed}-${round}`)
      const args = [source, destination].map((address) => address.replace(server.endpoint, proxy.endpoint))
      const state = join(folder, `state-${round}`)
      const environment = {
        ...server.environment,
        LAKEHOUSE_SYNC_STATE: state,
        LAKEHOUSE_SYNC_RETRY_DELAY_MS: '5',
        LAKEHOUSE_SYNC_ATTEMPTS: '10',
        LAKEHOUSE_SYNC_PART_SIZE_MB: '5',
        LAKEHOUSE_SYNC_MULTIPART_THRESHOLD_MB: '8',
      }
      const killedAfter: number[] = []
      for (let kill = 0; kill < load.kills; kill++) {
        const killed = await sync([...args, '--engine', engine], environment, 150 + random.integer(load.withinMs))
        if (killed.code !== null) break
        hits++
        killedAfter.push(Math.round(killed.ms))
      }
      // The store tells times by the second: an upload counts as left behind only when it is older than the rerun.
      await delay(1100)
      const { code, ms } = await sync([...args, '--engine', engine], environment)
      assert.equal(code, 0, `round ${round}: the rerun ended with ${code}`)
      await check(destination, wanted, state, round)
      report(
        `round ${round} (${engine}): killed at work after ${killedAfter.join(', ')} ms, the rerun took ${Math.round(ms)} ms, all equal`,
      )
      await empty(destination)
      await rm(state, { recursive: true, force: true })
    }
  } finally {
    await proxy.close()
  }
  return hits
}

async function check(destination: string, wanted: Record<string, string>, state: string, round: number): Promise<void> {
  assert.deepEqual(await contentOf(destination), wanted, `round ${round}`)
  const place = openS3(destination)
  assert.deepEqual(await listUploads(place.s3 ?? assert.fail(), ''), [], `round ${round}: an upload is left`)
  place.close()
  const files = (await readdir(state, { recursive: true })).filter((name) => /\.tmp-|lease/.test(name))
  assert.deepEqual(files, [], `round ${round}: files are left`)
}

async function empty(address: string): Promise<void> {
  const place = openS3(address)
  const keys: string[] = []
  for await (const { key } of place.store.list('')) keys.push(key)
  await deleteObjects(place.s3 ?? assert.fail(), keys)
  place.close()
}
