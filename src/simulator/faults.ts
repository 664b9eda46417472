import { Random } from './random.ts'

/**
 * A fault of a server. status: an error status instead of the object. reset: the connection breaks in the middle. short: fewer bytes than announced.
 * long: more bytes than announced. drip: small pieces with pauses. stall: silence after the headers. wrong-bytes: a flipped bit. absent: 404, as for a late file.
 * Only for stores: lost: the request is done, but the answer never comes. error-body: status 200 with an error in the body. cut: the body ends in the middle
 * as if it were complete. rewrite: another body. A status may carry an S3 error code.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number; readonly code?: string }
  | { readonly kind: 'reset' | 'short' | 'long' | 'stall' | 'wrong-bytes' | 'absent' }
  | { readonly kind: 'drip'; readonly pieceMs: number }
  | { readonly kind: 'lost' | 'cut' }
  | { readonly kind: 'error-body'; readonly code: string }
  | { readonly kind: 'rewrite'; readonly rewrite: (body: string) => string }

/** A fault with its keys, its probability, and its maximum number per key. */
export type FaultRule = { readonly fault: Fault; readonly match: RegExp; readonly probability?: number; readonly times?: number }

/** Chooses the fault of each request. The same seed and order of requests per key give the same faults. */
export class FaultPlan {
  readonly #seed: string
  readonly #rules: readonly FaultRule[]
  readonly #requests = new Map<string, number>()
  readonly #met = new Map<string, number>()

  constructor(seed: string, rules: readonly FaultRule[]) {
    this.#seed = seed
    this.#rules = rules
  }

  next(key: string): Fault | undefined {
    const request = (this.#requests.get(key) ?? 0) + 1
    this.#requests.set(key, request)
    for (const [index, rule] of this.#rules.entries()) {
      const counter = `${index}:${key}`
      const met = this.#met.get(counter) ?? 0
      if (!rule.match.test(key) || met >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
      if (!new Random(`${this.#seed}:${index}:${key}:${request}`).chance(rule.probability ?? 1)) continue
      this.#met.set(counter, met + 1)
      return rule.fault
    }
    return undefined
  }
}
