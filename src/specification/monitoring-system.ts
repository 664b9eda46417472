import { hostOf } from '../platform/host.ts'
import { cpuCount, memoryLimit } from '../platform/machine.ts'

/** A finished unit of work. `failed` of its `items` did not succeed. */
export type Work = { readonly items: number; readonly failed: number; readonly durationMs: number }

/** Measures over the window, in the keys of the specification. */
export type Metrics = {
  /** Items a second. */
  readonly throughput: number
  /** Mean duration of a unit of work, milliseconds. */
  readonly latency: number
  /** Failed items over all items, 0 to 1. */
  readonly error_rate: number
  /** Processors and memory in use, percent. */
  readonly resource_usage: { readonly cpu: number; readonly memory: number }
  /** The last quality score over 100, 0 to 1; 1 before the first score. */
  readonly data_quality: number
}

type MetricsOptions = { readonly windowMs: number; readonly nowMs: () => number }

/** Collects measures of work over a sliding window. */
export class MetricsCollector {
  readonly #options: MetricsOptions
  readonly #work: (Work & { readonly atMs: number })[] = []
  #score = 100
  #cpu: { readonly atMs: number; readonly usage: NodeJS.CpuUsage }

  constructor({ windowMs = 60_000, nowMs = hostOf().nowMs }: Partial<MetricsOptions> = {}) {
    this.#options = { windowMs, nowMs }
    this.#cpu = { atMs: nowMs(), usage: process.cpuUsage() }
  }

  /** Adds a finished unit of work. */
  recordWork(work: Work): void {
    this.#work.push({ ...work, atMs: this.#options.nowMs() })
    this.#forget()
  }

  /** Sets the quality score of the data, 0 to 100, as `quality` gives it. */
  recordQuality(score: number): void {
    this.#score = score
  }

  /** The measures of the window that ends now. */
  collectMetrics(): Metrics {
    this.#forget()
    const sum = (of: (work: Work) => number) => this.#work.reduce((total, work) => total + of(work), 0)
    const items = sum((work) => work.items)
    return {
      throughput: items / (this.#options.windowMs / 1000),
      latency: this.#work.length === 0 ? 0 : sum((work) => work.durationMs) / this.#work.length,
      error_rate: items === 0 ? 0 : sum((work) => work.failed) / items,
      resource_usage: { cpu: this.#cpuPercent(), memory: memoryPercent() },
      data_quality: this.#score / 100,
    }
  }

  #forget(): void {
    const { windowMs, nowMs } = this.#options
    const oldest = nowMs() - windowMs
    while (this.#work[0] !== undefined && this.#work[0].atMs < oldest) this.#work.shift()
  }

  #cpuPercent(): number {
    const { atMs, usage } = this.#cpu
    const elapsedMs = this.#options.nowMs() - atMs
    const { user, system } = process.cpuUsage(usage)
    this.#cpu = { atMs: atMs + elapsedMs, usage: process.cpuUsage() }
    return elapsedMs <= 0 ? 0 : Math.min(100, (user + system) / 10 / elapsedMs / cpuCount())
  }
}

function memoryPercent(): number {
  return (process.memoryUsage.rss() / memoryLimit()) * 100
}

type AlertName = 'high_error_rate' | 'high_latency' | 'low_data_quality'

/** A limit that a measure has passed. */
export type Alert = {
  readonly name: AlertName
  readonly severity: 'warning' | 'critical'
  readonly value: number
  readonly threshold: number
  readonly message: string
}

/** Where alerts go. */
export type AlertChannel = (alert: Alert) => Promise<void>

const RULES: readonly {
  name: AlertName
  severity: Alert['severity']
  threshold: number
  value: (metrics: Metrics) => number
  isBelow: boolean
  unit: string
}[] = [
  { name: 'high_error_rate', severity: 'critical', threshold: 0.05, value: (metrics) => metrics.error_rate, isBelow: false, unit: '' },
  { name: 'high_latency', severity: 'warning', threshold: 1000, value: (metrics) => metrics.latency, isBelow: false, unit: ' ms' },
  { name: 'low_data_quality', severity: 'warning', threshold: 0.9, value: (metrics) => metrics.data_quality, isBelow: true, unit: '' },
]

/** Compares measures with limits, and sends an alert for each limit that is passed. */
export class MonitoringSystem {
  readonly #metrics: MetricsCollector
  readonly #channels: readonly AlertChannel[]

  constructor(metrics: MetricsCollector, channels: readonly AlertChannel[]) {
    this.#metrics = metrics
    this.#channels = channels
  }

  /** The measures of the window that ends now. */
  collectMetrics(): Metrics {
    return this.#metrics.collectMetrics()
  }

  /** The alerts of these measures, in the order of the rules; by default of the window that ends now. */
  checkAlerts(metrics: Metrics = this.collectMetrics()): Alert[] {
    return RULES.flatMap(({ name, severity, threshold, value: of, isBelow, unit }) => {
      const value = of(metrics)
      if (isBelow ? value >= threshold : value <= threshold) return []
      const message = `${name}: ${value}${unit} is ${isBelow ? 'below' : 'above'} ${threshold}${unit}`
      return [{ name, severity, value, threshold, message }]
    })
  }

  /** Sends an alert to every channel. A channel that fails does not stop the others; the errors are thrown together. */
  async sendAlert(alert: Alert): Promise<void> {
    const outcomes = await Promise.allSettled(this.#channels.map(async (send) => send(alert)))
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    if (errors.length > 0)
      throw new AggregateError(errors, `${errors.length} of ${this.#channels.length} channels did not take ${alert.name}`)
  }
}
