import { Random } from './random.ts'

/**
 * What may go wrong on the way. status: an answer instead of the object. reset: the connection breaks in the middle. short: fewer bytes than announced.
 * long: more bytes. drip: slowly, in small pieces. stall: silence after the headers. wrong-bytes: a flipped bit. absent: 404, as for a late file.
 * Of a store besides: lost: what was asked for is done, and the answer never comes. error-body: 200, and an error in the body. cut: the body ends in the middle,
 * as if it were whole. rewrite: another body instead. status may carry S3's code.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number; readonly code?: string }
  | { readonly kind: 'reset' | 'short' | 'long' | 'stall' | 'wrong-bytes' | 'absent' }
  | { readonly kind: 'drip'; readonly pieceMs: number }
  | { readonly kind: 'lost' | 'cut' }
  | { readonly kind: 'error-body'; readonly code: string }
  | { readonly kind: 'rewrite'; readonly rewrite: (body: string) => string }

/** A fault, for which keys, how likely, and how often at most (per key). */
export type FaultRule = { readonly fault: Fault; readonly match: RegExp; readonly probability?: number; readonly times?: number }

/** Decides for each request which fault it meets; the same seed and order of requests per key give the same faults. */
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
