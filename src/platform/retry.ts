import { setTimeout as delay } from 'node:timers/promises'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'

export type RetryPolicy = {
  /** The maximum number of attempts for one call. */
  readonly attempts: number
  /** The longest first pause; it doubles with each attempt. */
  readonly baseDelayMs: number
  readonly maxDelayMs: number
}

/**
 * Limits the retries against one host: each first call earns a fraction of a retry, and each retry spends one.
 * While a host is healthy, the budget is full. When most calls fail, the budget is exhausted, and calls fail at once instead of piling up.
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

  /** Whether a retry is allowed. If so, it is taken from the budget. */
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
 * The result of `call`, which is repeated after retryable errors. Pauses are exponential with full jitter, and never shorter than the Retry-After of the server
 * (`details.retryAfterMs`). Throws the last error, RETRY_BUDGET_EXHAUSTED when the budget of the host is exhausted, or the reason of the signal.
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
        throw new LakehouseError(
          'RETRY_BUDGET_EXHAUSTED',
          `too many requests to the host failed; the last error was: ${failure.message}; run again later`,
          {
            details: failure.details,
            cause: failure,
          },
        )
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
