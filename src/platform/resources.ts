import { cpuCount, memoryLimit } from './machine.ts'

/** What a unit of work may have. */
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

/** From so many bytes on a workload gets the next larger profile, and from so many the one after that. */
const LARGER = [10 * 2 ** 30, 100 * 2 ** 30] as const

/** Says how much a workload may have. */
export class ResourceAllocator {
  /** The profile of a workload (ingestion medium, processing large, analytics xlarge, any other small), and larger ones for 10 GiB of data and for 100. */
  allocateResources(workload: string, dataSizeBytes: number): Resources {
    const usual = ORDER.indexOf(USUAL[workload] ?? 'small')
    const steps = LARGER.filter((bytes) => dataSizeBytes >= bytes).length
    const profile = ORDER[Math.min(ORDER.length - 1, usual + steps)] ?? 'xlarge'
    return { profile, ...PROFILES[profile] }
  }

  /** The same, as far as this machine has it: its processors, and half of the memory that the process may use. */
  allocateHere(workload: string, dataSizeBytes: number): Resources {
    const { profile, cpus, memoryMb } = this.allocateResources(workload, dataSizeBytes)
    return { profile, cpus: Math.min(cpus, cpuCount()), memoryMb: Math.min(memoryMb, Math.floor(memoryLimit() / 2 ** 21)) }
  }
}

/** Says how many items are worked on together. */
export class ResourceOptimizer {
  readonly #cpus: number
  readonly #memoryBytes: number
  readonly #itemBytes: number

  /** `itemBytes` is what one item takes in memory. */
  constructor({
    cpus = cpuCount(),
    memoryBytes = memoryLimit(),
    itemBytes = 2 ** 20,
  }: { cpus?: number; memoryBytes?: number; itemBytes?: number } = {}) {
    this.#cpus = cpus
    this.#memoryBytes = memoryBytes
    this.#itemBytes = itemBytes
  }

  /** A thousand items, or what falls to each processor if that is less; half of it for work of high complexity, twice for low. At least one, and never more than fit into memory. */
  optimizeBatchSize(dataSize: number, complexity: 'low' | 'medium' | 'high' = 'medium'): number {
    const usual = Math.min(1000, Math.floor(dataSize / this.#cpus))
    const wanted = complexity === 'high' ? Math.floor(usual / 2) : complexity === 'low' ? usual * 2 : usual
    return Math.max(1, Math.min(wanted, Math.floor(this.#memoryBytes / this.#itemBytes)))
  }
}
