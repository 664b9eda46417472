import { hostOf } from './host.ts'

export type ScaleDecision = 'scale_up' | 'scale_down' | 'maintain'

/** What the instances together are at: shares of processors and memory in percent, and waiting items. */
export type ScaleMetrics = { readonly cpuPercent: number; readonly memoryPercent: number; readonly queueLength: number }

export type ScalerOptions = {
  readonly minInstances: number
  readonly maxInstances: number
  /** After a change of the number so long nothing is changed. */
  readonly coolDownMs: number
  readonly nowMs: () => number
}

const UP = { cpuPercent: 70, memoryPercent: 80, queueLength: 100 } as const

/** Half of what makes more; of waiting items a tenth, so that what one instance less leaves to the others brings none back. */
const DOWN = { cpuPercent: 35, memoryPercent: 40, queueLength: 10 } as const

/** Decides how many instances there are: within bounds, and not again before the last change has shown what it does. */
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

  /** More where any measure is above its bound, fewer where all are far below, else as many; a decision to change has been carried out in `instances`. */
  scaleDecision({ cpuPercent, memoryPercent, queueLength }: ScaleMetrics): ScaleDecision {
    const { minInstances, maxInstances, coolDownMs, nowMs } = this.#options
    const isBusy = cpuPercent > UP.cpuPercent || memoryPercent > UP.memoryPercent || queueLength > UP.queueLength
    const isIdle = cpuPercent < DOWN.cpuPercent && memoryPercent < DOWN.memoryPercent && queueLength < DOWN.queueLength
    const wanted = isBusy ? this.#instances + 1 : isIdle ? this.#instances - 1 : this.#instances
    if (wanted === this.#instances || wanted < minInstances || wanted > maxInstances || nowMs() - this.#changedMs < coolDownMs)
      return 'maintain'
    this.#instances = wanted
    this.#changedMs = nowMs()
    return isBusy ? 'scale_up' : 'scale_down'
  }
}
