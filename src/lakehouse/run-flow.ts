import type * as z from 'zod'
import type { Config } from '../config/schema.ts'
import type { ArchiveAccess, Flow } from '../flows/contract.ts'
import { Lake } from '../lake/lake.ts'
import type { Host } from '../platform/host.ts'
import { type BuildPool, createBuildPool } from '../silver/build/build-pool.ts'
import type { Place } from '../storage/place.ts'
import { lakeOptions, type OnNotice, openAddress, openArchive } from './open.ts'
import { qualityOptions } from './quality-options.ts'

export type FlowRun<Progress> = {
  readonly config: Config
  readonly host: Host
  readonly onNotice: OnNotice
  readonly onProgress: (progress: Progress) => void
}

/** Runs a flow on the configured lake; a missing lake is created. Archives, stores and threads are opened on first use. Throws errors of the flow as a whole. */
export async function runFlow<I extends z.ZodType, R, P>(flow: Flow<I, R, P>, input: z.output<I>, run: FlowRun<P>): Promise<R> {
  const { config, host, onNotice, onProgress } = run
  return await Lake.use(lakeOptions(config, host, onNotice), 'make', async (lake) => {
    const archives = new Map<string, Promise<ArchiveAccess>>()
    const archive = async (exchange: string) => {
      const opened = archives.get(exchange) ?? openArchive(config, host, exchange, onNotice)
      archives.set(exchange, opened)
      return await opened
    }
    const places: Place[] = []
    const store = async (address: string) => {
      const place = await openAddress(config, host, address)
      places.push(place)
      return place.store
    }
    const scratch = await lake.scratch()
    let threads: BuildPool | undefined
    const pool = () => {
      threads ??= createBuildPool(config.engine.workers, { memoryLimitMb: config.engine.memoryLimitMb, temporaryDirectory: scratch })
      return threads
    }
    const stop = () => void threads?.close()
    host.signal.addEventListener('abort', stop)
    try {
      const { concurrency } = config.archive
      const quality = qualityOptions(config, host.nowMs())
      return await flow.run({ lake, archive, store, pool, concurrency, limits: config.engine, quality, onProgress }, input)
    } finally {
      host.signal.removeEventListener('abort', stop)
      await threads?.close()
      for (const place of places) place.close()
      for (const opened of archives.values()) await opened.then(({ archive: { origin } }) => origin.close()).catch(() => {})
    }
  })
}
