import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Config, configSchema } from '../../src/config/schema.ts'
import { Transfers } from '../../src/lakehouse/transfers.ts'
import { mapConcurrent } from '../../src/platform/map-concurrent.ts'
import { digestOfObject } from '../../src/storage/digests.ts'
import type { Place } from '../../src/storage/place.ts'
import { DEFAULT_REQUEST, type SyncRequest, type SyncResult } from '../../src/transfer/sync.ts'
import { openS3, useRootKeys } from './s3-server.ts'

export type SyncChoices = Partial<SyncRequest> & {
  readonly state: string
  readonly settings?: Partial<Config['sync']>
  readonly signal?: AbortSignal
  readonly drain?: AbortSignal
  readonly notices?: string[]
  readonly bytesPerSecond?: number
}

/** Transfers with the root's credentials, quick retries and small parts. */
export function transfersWith(choices: Pick<SyncChoices, 'state' | 'settings' | 'signal'>): Transfers {
  useRootKeys()
  const sync = {
    state: choices.state,
    retryDelayMs: 5,
    idleTimeoutMs: 1500,
    partSizeMb: 5,
    multipartThresholdMb: 8,
    concurrency: 16,
    ...choices.settings,
  }
  const config = configSchema.parse({ sync })
  return new Transfers(config, { nowMs: Date.now, random: Math.random, signal: choices.signal ?? new AbortController().signal })
}

export async function runSync(source: string, destination: string, choices: SyncChoices): Promise<SyncResult> {
  const { state: _state, settings: _settings, signal: _signal, drain, notices, bytesPerSecond, ...request } = choices
  return await transfersWith(choices).sync(
    { ...DEFAULT_REQUEST, ...request },
    {
      source,
      destination,
      bytesPerSecond,
      requestsPerSecond: undefined,
      drain: drain ?? new AbortController().signal,
      onProgress: () => {},
      onNotice: (text) => void notices?.push(text),
    },
  )
}

/** What a place holds: the SHA-256 of each object, by key. */
export async function contentOf(address: string): Promise<Record<string, string>> {
  const place = openS3(address)
  try {
    const keys: string[] = []
    for await (const { key } of place.store.list('')) keys.push(key)
    const digests = new Map<string, string>()
    const read = async (key: string) => void digests.set(key, await digestOfObject(place.store, key))
    for await (const _ of mapConcurrent(keys, { limit: 16 }, read));
    return Object.fromEntries(keys.map((key) => [key, digests.get(key) ?? '']))
  } finally {
    place.close()
  }
}

/** Puts objects into a place: small ones with the given keys, each with content of its own. */
export async function fill(place: Place, keys: readonly string[], size = 300): Promise<void> {
  const put = (key: string) => place.store.put(key, Buffer.from(key.padEnd(size, '.')))
  for await (const _ of mapConcurrent(keys, { limit: 16 }, put));
}

/** A folder for what transfers remember, removed after the test. */
export async function stateFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-state-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
