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
  /** Least time between two changes. */
  readonly coolDownMs: number
  readonly nowMs: () => number
}

/** One value above its limit asks for one more instance. */
const UP = { cpu_usage: 70, memory_usage: 80, queue_depth: 100 } as const

/** All values below their limits ask for one less: half of `UP`, for waiting items a tenth, so that the remaining instances stay below `UP`. */
const DOWN = { cpu_usage: 35, memory_usage: 40, queue_depth: 10 } as const

/** Decides the number of instances, within bounds and at most once in a cool-down. */
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

  /** What to do. `scale_up` and `scale_down` have changed `instances` by one already. Throws USAGE for an unknown key or a value that is not a number of at least 0. */
  scaleDecision(metrics: ScaleMetrics): ScaleDecision {
    const parsed = scaleMetrics.safeParse(metrics)
    if (!parsed.success)
      throw new LakehouseError(
        'USAGE',
        `metrics for the scaler: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')}`,
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
