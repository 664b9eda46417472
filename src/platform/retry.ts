import { setTimeout as delay } from 'node:timers/promises'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'

export type RetryPolicy = {
  /** How often one call may be made in all. */
  readonly attempts: number
  /** Upper end of the first pause; it doubles with each attempt. */
  readonly baseDelayMs: number
  readonly maxDelayMs: number
}

/**
 * Bounds the repetitions against one host: each first call earns a fraction of a retry, each retry spends one.
 * While a host is healthy the budget is full; when most calls fail it runs dry and calls fail at once instead of piling up.
 */
export class RetryBudget {
  #tokens: number
  readonly #capacity: number
  readonly #earnedPerCall: number

  constructor(options: { capacity: number; earnedPerCall: number }) {
    this.#capacity = options.capacity
    this.#tokens = options.capacity
    this.#earnedPerCall = options.earnedPerCall
  }

  earn(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + this.#earnedPerCall)
  }

  /** Whether a retry may be made; takes it from the budget if so. */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

export type RetryDeps = {
  random: () => number
  budget: RetryBudget
  signal: AbortSignal
  onRetry?: (error: LakehouseError, pauseMs: number) => void
}

/**
 * The result of `call`, repeated while it fails with a retryable error: full jitter, exponential, never sooner than the server's Retry-After
 * (`details.retryAfterMs`). Throws the last error, RETRY_BUDGET_EXHAUSTED when the host's budget is dry, or the signal's reason.
 */
export async function retry<T>(policy: RetryPolicy, deps: RetryDeps, call: (attempt: number) => Promise<T>): Promise<T> {
  deps.budget.earn()
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(attempt)
    } catch (error) {
      const failure = asLakehouseError(error)
      if (deps.signal.aborted) throw deps.signal.reason
      if (!failure.retryable || attempt >= policy.attempts) throw failure
      if (!deps.budget.spend()) {
        throw new LakehouseError('RETRY_BUDGET_EXHAUSTED', `too many requests had to be repeated; last: ${failure.message}`, {
          details: failure.details,
          cause: failure,
        })
      }
      const pauseMs = pauseBefore(policy, attempt, failure, deps.random)
      deps.onRetry?.(failure, pauseMs)
      await delay(pauseMs, undefined, { signal: deps.signal })
    }
  }
}

function pauseBefore(policy: RetryPolicy, attempt: number, failure: LakehouseError, random: () => number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1))
  const asked = failure.details['retryAfterMs']
  return Math.max(Math.floor(random() * ceiling), typeof asked === 'number' ? asked : 0)
}
