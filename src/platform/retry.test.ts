import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LakehouseError } from '../core/errors.ts'
import { RetryBudget, retry } from './retry.ts'

const POLICY = { attempts: 4, baseDelayMs: 1, maxDelayMs: 2 }

function deps(budget = new RetryBudget({ capacity: 100, earnedPerCall: 1 }), signal = new AbortController().signal) {
  const pauses: number[] = []
  return { random: () => 0.5, budget, signal, onRetry: (_: LakehouseError, pauseMs: number) => void pauses.push(pauseMs), pauses }
}

const failing = (code: 'ORIGIN_FAILED' | 'ORIGIN_REFUSED', times: number) => {
  let calls = 0
  return { calls: () => calls, call: async () => (++calls <= times ? Promise.reject(new LakehouseError(code, 'no')) : 'yes') }
}

test('retryable errors are repeated up to the number of attempts, others are not', async () => {
  const passing = failing('ORIGIN_FAILED', 3)
  assert.equal(await retry(POLICY, deps(), passing.call), 'yes')
  const lasting = failing('ORIGIN_FAILED', 99)
  await assert.rejects(retry(POLICY, deps(), lasting.call), { code: 'ORIGIN_FAILED' })
  assert.equal(lasting.calls(), 4)
  const refused = failing('ORIGIN_REFUSED', 99)
  await assert.rejects(retry(POLICY, deps(), refused.call), { code: 'ORIGIN_REFUSED' })
  assert.equal(refused.calls(), 1)
})

test('the pause grows, is random, and is never shorter than Retry-After', async () => {
  const quiet = deps()
  await retry({ attempts: 4, baseDelayMs: 4, maxDelayMs: 10 }, quiet, failing('ORIGIN_FAILED', 3).call)
  assert.deepEqual(quiet.pauses, [2, 4, 5])
  const told = deps()
  let first = true
  await retry(POLICY, told, async () => {
    if (!first) return
    first = false
    throw new LakehouseError('ORIGIN_THROTTLED', 'later', { details: { retryAfterMs: 15 } })
  })
  assert.deepEqual(told.pauses, [15])
})

test('when the budget is exhausted, calls to the host fail at once', async () => {
  const budget = new RetryBudget({ capacity: 3, earnedPerCall: 0 })
  const codes: string[] = []
  for (let n = 0; n < 3; n++)
    await retry(POLICY, deps(budget), failing('ORIGIN_FAILED', 99).call).catch((error: LakehouseError) => codes.push(error.code))
  assert.deepEqual(codes, ['ORIGIN_FAILED', 'RETRY_BUDGET_EXHAUSTED', 'RETRY_BUDGET_EXHAUSTED'])
})

test('an abort ends the pause', async () => {
  const abort = new AbortController()
  const long = { attempts: 2, baseDelayMs: 60_000, maxDelayMs: 60_000 }
  setTimeout(() => abort.abort(), 5)
  await assert.rejects(retry(long, deps(undefined, abort.signal), failing('ORIGIN_FAILED', 99).call), { name: 'AbortError' })
})
