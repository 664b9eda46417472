import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { AutoScaler } from './auto-scaler.ts'
import { memoryLimit } from './machine.ts'
import { ParallelProcessor } from './parallel-processor.ts'
import { ResourceAllocator, ResourceOptimizer } from './resources.ts'

test('every item has an outcome, even an error, and work never exceeds the workers', async () => {
  let [running, most] = [0, 0]
  const work = async (item: number) => {
    most = Math.max(most, ++running)
    await delay(item % 3)
    running--
    if (item % 5 === 0) throw new Error(`no ${item}`)
    return item * 2
  }
  const outcomes = await new ParallelProcessor(4).processBatch(
    Array.from({ length: 40 }, (_, n) => n),
    work,
    { ordered: true },
  )
  assert.deepEqual(
    outcomes.map(({ index }) => index),
    Array.from({ length: 40 }, (_, n) => n),
  )
  for (const outcome of outcomes)
    assert.deepEqual(
      'value' in outcome ? outcome.value : (outcome.error as Error).message,
      outcome.item % 5 === 0 ? `no ${outcome.item}` : outcome.item * 2,
    )
  assert.equal(most, 4)
  const stop = new AbortController()
  let begun = 0
  const stopped = new ParallelProcessor(2).processBatch(
    Array.from({ length: 50 }, (_, n) => n),
    async () => {
      if (++begun === 5) stop.abort(new Error('enough'))
      await delay(1)
    },
    { signal: stop.signal },
  )
  await assert.rejects(stopped, /enough/)
  assert.ok(begun < 10)
  assert.throws(() => new ParallelProcessor(0), { code: 'USAGE' })
})

test('a module as work runs on threads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'processor-'))
  const module = join(folder, 'square.mjs')
  await writeFile(
    module,
    "import { parentPort, threadId } from 'node:worker_threads'\nparentPort.on('message', (n) => n === null ? parentPort.close() : parentPort.postMessage({ result: { square: n * n, threadId } }))\n",
  )
  const outcomes = await new ParallelProcessor(2).processBatch<number, { square: number; threadId: number }>(
    [1, 2, 3, 4, 5],
    new URL(`file://${module}`),
    { ordered: true },
  )
  assert.deepEqual(
    outcomes.map((one) => ('value' in one ? one.value.square : undefined)),
    [1, 4, 9, 16, 25],
  )
  assert.ok(outcomes.every((one) => 'value' in one && one.value.threadId > 0))
  await rm(folder, { recursive: true })
})

test('a batch is never empty and never larger than memory allows', () => {
  const of = (cpus: number, memoryBytes = 2 ** 40) => new ResourceOptimizer({ cpus, memoryBytes, itemBytes: 1024 })
  assert.deepEqual(
    [of(4).optimizeBatchSize(400), of(4).optimizeBatchSize(400, 'high'), of(4).optimizeBatchSize(400, 'low'), of(4).optimizeBatchSize(1e6)],
    [100, 50, 200, 1000],
  )
  assert.deepEqual([of(8).optimizeBatchSize(3), of(8).optimizeBatchSize(0, 'high'), of(1, 10 * 1024).optimizeBatchSize(1e6)], [1, 1, 10])
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.integer({ min: 1, max: 128 }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.constantFrom('low', 'medium', 'high' as const),
      (size, cpus, memoryBytes, complexity) => {
        const batch = new ResourceOptimizer({ cpus, memoryBytes, itemBytes: 1000 }).optimizeBatchSize(size, complexity)
        assert.ok(batch >= 1 && batch <= 2000 && batch <= Math.max(1, memoryBytes / 1000))
      },
    ),
  )
})

test('workloads get larger profiles for more data, within the limits of the machine', () => {
  const allocator = new ResourceAllocator()
  const profiles = (size: number) =>
    ['ingestion', 'processing', 'analytics', 'other'].map((workload) => allocator.allocateResources(workload, size).profile)
  assert.deepEqual(profiles(0), ['medium', 'large', 'xlarge', 'small'])
  assert.deepEqual(profiles(20 * 2 ** 30), ['large', 'xlarge', 'xlarge', 'medium'])
  assert.deepEqual(profiles(200 * 2 ** 30), ['xlarge', 'xlarge', 'xlarge', 'large'])
  assert.deepEqual(allocator.allocateResources('processing', 0), { profile: 'large', cpus: 4, memoryMb: 8192 })
  const here = allocator.allocateHere('analytics', 0)
  assert.ok(here.cpus >= 1 && here.memoryMb <= totalmem() / 2 ** 21)
})

test('the usable memory is above zero and at most the memory of the machine', () => {
  assert.ok(memoryLimit() > 2 ** 20 && memoryLimit() <= totalmem())
})

test('the scaler adds busy and removes idle instances, once per cool-down', () => {
  const scaler = (nowMs: () => number) => new AutoScaler({ minInstances: 1, maxInstances: 3, coolDownMs: 1000, nowMs })
  let now = 0
  const one = scaler(() => now)
  const [busy, idle] = [
    { cpu_usage: 71, memory_usage: 10, queue_depth: 0 },
    { cpu_usage: 5, memory_usage: 5, queue_depth: 0 },
  ]
  assert.deepEqual([one.scaleDecision(idle), one.scaleDecision(busy), one.scaleDecision(busy)], ['maintain', 'scale_up', 'maintain'])
  now = 1000
  assert.deepEqual([one.scaleDecision({ cpu_usage: 50, memory_usage: 81, queue_depth: 0 }), one.instances], ['scale_up', 3])
  now = 2000
  assert.equal(one.scaleDecision({ cpu_usage: 1, memory_usage: 1, queue_depth: 101 }), 'maintain', 'three is the maximum')
  assert.equal(one.scaleDecision({ cpu_usage: 34, memory_usage: 41, queue_depth: 0 }), 'maintain')
  assert.equal(one.scaleDecision(idle), 'scale_down')
  fc.assert(
    fc.property(
      fc.array(fc.record({ cpu_usage: fc.nat(100), memory_usage: fc.nat(100), queue_depth: fc.nat(300), waitMs: fc.nat(900) }), {
        maxLength: 60,
      }),
      (steps) => {
        let at = 0
        const scaled = scaler(() => at)
        let changed = Number.NEGATIVE_INFINITY
        for (const { waitMs, ...metrics } of steps) {
          at += waitMs
          const before = scaled.instances
          const decision = scaled.scaleDecision(metrics)
          assert.ok(scaled.instances >= 1 && scaled.instances <= 3)
          assert.equal(scaled.instances - before, { scale_up: 1, scale_down: -1, maintain: 0 }[decision])
          if (decision === 'maintain') continue
          assert.ok(at - changed >= 1000)
          changed = at
        }
      },
    ),
  )
})
