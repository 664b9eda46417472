import { cpuCount, memoryLimit } from './machine.ts'

/** The resources of a unit of work. */
export type Resources = { readonly profile: ProfileId; readonly cpus: number; readonly memoryMb: number }

const PROFILES = {
  small: { cpus: 1, memoryMb: 2048 },
  medium: { cpus: 2, memoryMb: 4096 },
  large: { cpus: 4, memoryMb: 8192 },
  xlarge: { cpus: 8, memoryMb: 16_384 },
} as const

type ProfileId = keyof typeof PROFILES

const ORDER = Object.keys(PROFILES) as readonly ProfileId[]

const USUAL: Readonly<Record<string, ProfileId>> = { ingestion: 'medium', processing: 'large', analytics: 'xlarge' }

/** Data sizes in bytes from which a workload gets the next larger profile, and the one after it. */
const LARGER = [10 * 2 ** 30, 100 * 2 ** 30] as const

/** Decides the resources of a workload. */
export class ResourceAllocator {
  /** The profile of a workload: medium for ingestion, large for processing, xlarge for analytics, else small. It is one size larger from 10 GiB of data, and two from 100 GiB. */
  allocateResources(workload: string, dataSizeBytes: number): Resources {
    const usual = ORDER.indexOf(USUAL[workload] ?? 'small')
    const steps = LARGER.filter((bytes) => dataSizeBytes >= bytes).length
    const profile = ORDER[Math.min(ORDER.length - 1, usual + steps)] ?? 'xlarge'
    return { profile, ...PROFILES[profile] }
  }

  /** The same, limited by the processors of this machine and half of the memory that the process may use. */
  allocateHere(workload: string, dataSizeBytes: number): Resources {
    const { profile, cpus, memoryMb } = this.allocateResources(workload, dataSizeBytes)
    return { profile, cpus: Math.min(cpus, cpuCount()), memoryMb: Math.min(memoryMb, Math.floor(memoryLimit() / 2 ** 21)) }
  }
}

/** Decides how many items are processed together. */
export class ResourceOptimizer {
  readonly #cpus: number
  readonly #memoryBytes: number
  readonly #itemBytes: number

  /** `itemBytes` is the memory of one item. */
  constructor({
    cpus = cpuCount(),
    memoryBytes = memoryLimit(),
    itemBytes = 2 ** 20,
  }: { cpus?: number; memoryBytes?: number; itemBytes?: number } = {}) {
    this.#cpus = cpus
    this.#memoryBytes = memoryBytes
    this.#itemBytes = itemBytes
  }

  /** A thousand items, or the share of each processor if that is less; half for high complexity, twice for low. At least one, and at most what fits into memory. */
  optimizeBatchSize(dataSize: number, complexity: 'low' | 'medium' | 'high' = 'medium'): number {
    const usual = Math.min(1000, Math.floor(dataSize / this.#cpus))
    const wanted = complexity === 'high' ? Math.floor(usual / 2) : complexity === 'low' ? usual * 2 : usual
    return Math.max(1, Math.min(wanted, Math.floor(this.#memoryBytes / this.#itemBytes)))
  }
}
