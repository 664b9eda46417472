import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { FaultRule } from '../../src/simulator/faults.ts'
import { proxyS3, type S3ProxyOptions } from '../../src/simulator/s3-proxy.ts'
import type { Place } from '../../src/storage/place.ts'
import { listUploads } from '../../src/storage/s3/operations.ts'
import type { SyncResult } from '../../src/transfer/sync.ts'
import { openS3, type S3Server } from './s3-server.ts'
import { contentOf, fill, runSync, type SyncChoices, stateFor } from './transfers.ts'

/** Small objects in some folders. */
export const KEYS: readonly string[] = Array.from({ length: 300 }, (_, n) => `data/${n % 7}/object-${String(n).padStart(4, '0')}.zip`)

let situations = 0

/** A source and a destination behind a proxy with faults. `real` are the addresses past the proxy. */
export type Situation = {
  readonly source: string
  readonly destination: string
  readonly real: { readonly source: string; readonly destination: string }
  readonly requests: ReadonlyMap<string, number>
  /** Works on the real source or destination. */
  at(side: 'source' | 'destination', work: (place: Place) => Promise<unknown>): Promise<void>
  sync(choices?: Omit<SyncChoices, 'state'>): Promise<SyncResult>
  /** The destination holds what the source holds, and no upload in parts is left. */
  assertSame(): Promise<void>
}

/** Makes a situation that is taken away after the test. The source holds `keys`. */
export async function situation(
  context: TestContext,
  server: S3Server,
  options: {
    keys?: readonly string[]
    faults?: readonly FaultRule[]
    onRequest?: S3ProxyOptions['onRequest']
    destinationServer?: S3Server
  } = {},
): Promise<Situation> {
  const id = situations++
  const target = options.destinationServer ?? server
  const real = { source: await server.bucket(`src-${id}`), destination: await target.bucket(`dst-${id}`) }
  const through = async (endpoint: string) => {
    const { onRequest, faults = [] } = options
    const proxy = await proxyS3({ endpoint, faults, seed: `round ${id}`, ...(onRequest === undefined ? {} : { onRequest }) })
    context.after(() => proxy.close())
    return proxy
  }
  const proxy = await through(server.endpoint)
  const far = target === server ? proxy : await through(target.endpoint)
  const state = await stateFor(context)
  const at: Situation['at'] = async (side, work) => {
    const place = openS3(real[side])
    await work(place)
    place.close()
  }
  const [source, destination] = [
    real.source.replace(server.endpoint, proxy.endpoint),
    real.destination.replace(target.endpoint, far.endpoint),
  ]
  await at('source', (place) => fill(place, options.keys ?? KEYS))
  return {
    source,
    destination,
    real,
    requests: far.requests,
    at,
    sync: (choices) => runSync(source, destination, { ...choices, state }),
    assertSame: async () => {
      assert.deepEqual(await contentOf(real.destination), await contentOf(real.source))
      await at('destination', async ({ s3 }) => assert.deepEqual(await listUploads(s3 ?? assert.fail(), ''), []))
    },
  }
}
