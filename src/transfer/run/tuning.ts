export const BATCHINGS = ['size_based', 'count_based', 'mixed'] as const

/** How objects are grouped into batches: by size class, by a fixed number of any size, or all sizes as one class. */
export type Batching = (typeof BATCHINGS)[number]

/** A class of objects: the number copied at the same time under one prefix (`initial` at first, at most `atOnce`), and the number in one batch. */
export type TransferClass = { readonly name: string; readonly initial: number; readonly atOnce: number; readonly batch: number }

export type Tuning = { readonly batching: Batching; readonly batchSize: number; readonly concurrency: number }

const MIB = 1 << 20

/** Size classes: objects below `below` bytes. A few large objects already fill the bandwidth. */
const SIZE_CLASSES = [
  { name: 'small', below: 10 * MIB, atOnce: 50, batch: 500 },
  { name: 'medium', below: 100 * MIB, atOnce: 20, batch: 200 },
  { name: 'large', below: Number.POSITIVE_INFINITY, atOnce: 10, batch: 50 },
] as const

const MIXED = { atOnce: 16, batch: 100 } as const

/** The number of objects copied at the same time under a prefix that has had no load yet. */
const COLD = 16

/** The class of an object of `size` bytes. Only small objects may use the full concurrency. */
export function transferClass(size: number, { batching, batchSize, concurrency }: Tuning): TransferClass {
  if (batching === 'count_based') return { name: 'any', initial: Math.min(COLD, concurrency), atOnce: concurrency, batch: batchSize }
  if (batching === 'mixed') {
    const atOnce = Math.min(MIXED.atOnce, concurrency)
    return { name: 'mixed', initial: atOnce, atOnce, batch: MIXED.batch }
  }
  const { name, atOnce, batch } = SIZE_CLASSES.find(({ below }) => size < below) ?? SIZE_CLASSES[2]
  const most = name === 'small' ? concurrency : Math.min(atOnce, concurrency)
  return { name, initial: Math.min(COLD, most), atOnce: most, batch }
}

/** The default part size of an object of `size` bytes. */
export function partBytesFor(size: number): number {
  return (size < 50 * MIB ? 10 : size < 500 * MIB ? 50 : 100) * MIB
}
