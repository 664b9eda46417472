import { parentPort } from 'node:worker_threads'
import { type BuildTask, buildFile } from './build-file.ts'

// The thread's entry point: one task a message, one answer each.
parentPort?.on('message', async (task: BuildTask) => {
  try {
    parentPort?.postMessage({ result: await buildFile(task) })
  } catch (error) {
    parentPort?.postMessage({ failure: error instanceof Error ? error : new Error(String(error)) })
  }
})
