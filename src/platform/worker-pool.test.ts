import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerPool } from './worker-pool.ts'

/** A thread that acts on its task. */
const MODULE = `import { parentPort } from 'node:worker_threads'
parentPort.on('message', (task) => {
  if (task === null) parentPort.close()
  else if (task === 'die') process.exit(7)
  else if (task === 'refuse') parentPort.postMessage({ failure: { code: 'DISK_FULL', message: 'no space', details: { file: 'x' } } })
  else parentPort.postMessage({ result: task.toUpperCase() })
})`

function pool(size: number): WorkerPool<string, string> {
  return new WorkerPool(new URL(`data:text/javascript,${encodeURIComponent(MODULE)}`), size, undefined)
}

test('threads do the tasks, and errors keep their code and details', async () => {
  const workers = pool(2)
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map((task) => workers.run(task))), ['A', 'B', 'C', 'D'])
  await assert.rejects(workers.run('refuse'), { code: 'DISK_FULL', message: 'no space', details: { file: 'x' } })
  await workers.close()
})

test('a dead thread fails its task and waiting tasks; the next task gets a new thread', async () => {
  const workers = pool(1)
  const results = await Promise.allSettled([workers.run('die'), workers.run('a'), workers.run('b')])
  for (const result of results) assert.equal(result.status === 'rejected' && (result.reason as { code: string }).code, 'DECODER_FAILED')
  assert.equal(await workers.run('c'), 'C')
  await workers.close()
})

test('a closed pool refuses tasks, and every call of close waits for the threads', async () => {
  const workers = pool(1)
  const waiting = Promise.allSettled([workers.run('a'), workers.run('b')])
  await Promise.all([workers.close(), workers.close()])
  assert.ok((await waiting).some((result) => result.status === 'rejected'))
  await assert.rejects(workers.run('c'), { code: 'INTERRUPTED' })
})
