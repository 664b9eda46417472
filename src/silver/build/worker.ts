import module from 'node:module'
import { join } from 'node:path'
import { parentPort, threadId, workerData } from 'node:worker_threads'
import type { BuildTask } from './build-file.ts'

// The entry point of the thread: each message is a list of tasks and gets one answer.
module.enableCompileCache()
const { buildFiles } = await import('./build-file.ts')
const { DuckDBSession } = await import('../../platform/duckdb/session.ts')
const { asFailure } = await import('../../platform/worker-pool.ts')
const { ZipReader } = await import('../../sources/csv/zip-entry.ts')

const { memoryLimitMb, temporaryDirectory } = workerData as { memoryLimitMb: number; temporaryDirectory: string }
const session = await DuckDBSession.open({ threads: 1, memoryLimitMb, temporaryDirectory: join(temporaryDirectory, `thread-${threadId}`) })

const tools = { session, zips: new ZipReader() }

let work: Promise<void> = Promise.resolve()

parentPort?.on('message', (tasks: readonly BuildTask[] | null) => {
  if (tasks === null) {
    session.interrupt()
    work = work.then(end)
  } else work = work.then(() => run(tasks))
})

async function run(tasks: readonly BuildTask[]): Promise<void> {
  try {
    parentPort?.postMessage({ result: await buildFiles(tools, tasks) })
  } catch (error) {
    parentPort?.postMessage({ failure: asFailure(error) })
  }
}

async function end(): Promise<void> {
  session.close()
  parentPort?.close()
}
