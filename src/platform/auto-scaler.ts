import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { hostOf } from './host.ts'

export type ScaleDecision = 'scale_up' | 'scale_down' | 'maintain'

/** Use of processors and memory in percent, and the number of waiting items. A missing value is 0. */
const scaleMetrics = z.strictObject({
  cpu_usage: z.number().min(0).default(0),
  memory_usage: z.number().min(0).default(0),
  queue_depth: z.number().min(0).default(0),
})

export type ScaleMetrics = z.input<typeof scaleMetrics>

export type ScalerOptions = {
  readonly minInstances: number
  readonly maxInstances: number
  /** Minimum time between two changes. */
  readonly coolDownMs: number
  readonly nowMs: () => number
}

/** If one value is above its limit, one more instance is needed. */
const UP = { cpu_usage: 70, memory_usage: 80, queue_depth: 100 } as const

/** If all values are below these limits, one instance fewer is needed. They are half of `UP` (a tenth for waiting items), so that the remaining instances stay below `UP`. */
const DOWN = { cpu_usage: 35, memory_usage: 40, queue_depth: 10 } as const

/** Decides the number of instances, within bounds and at most once per cool-down. */
export class AutoScaler {
  readonly #options: ScalerOptions
  #instances: number
  #changedMs = Number.NEGATIVE_INFINITY

  constructor({ minInstances = 1, maxInstances = 10, coolDownMs = 300_000, nowMs = hostOf().nowMs }: Partial<ScalerOptions> = {}) {
    this.#options = { minInstances, maxInstances, coolDownMs, nowMs }
    this.#instances = minInstances
  }

  get instances(): number {
    return this.#instances
  }

  /** Returns the decision; `scale_up` and `scale_down` have already changed `instances` by one. Throws USAGE for an unknown key, or a value that is not a number of at least 0. */
  scaleDecision(metrics: ScaleMetrics): ScaleDecision {
    const parsed = scaleMetrics.safeParse(metrics)
    if (!parsed.success)
      throw new LakehouseError(
        'USAGE',
        `the metrics for the scaler are not valid: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')}`,
      )
    const { cpu_usage: cpu, memory_usage: memory, queue_depth: queue } = parsed.data
    const { minInstances, maxInstances, coolDownMs, nowMs } = this.#options
    const isBusy = cpu > UP.cpu_usage || memory > UP.memory_usage || queue > UP.queue_depth
    const isIdle = cpu < DOWN.cpu_usage && memory < DOWN.memory_usage && queue < DOWN.queue_depth
    const wanted = isBusy ? this.#instances + 1 : isIdle ? this.#instances - 1 : this.#instances
    if (wanted === this.#instances || wanted < minInstances || wanted > maxInstances || nowMs() - this.#changedMs < coolDownMs)
      return 'maintain'
    this.#instances = wanted
    this.#changedMs = nowMs()
    return isBusy ? 'scale_up' : 'scale_down'
  }
}
