import type { LakehouseError } from '../../core/errors.ts'
import type { Pair } from '../pair.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { Proof } from './proof.ts'

/** What moving an object came to. `throughBytes` went through this machine, `diskBytes` over its disk. */
export type Moved = { readonly etag: string; readonly proof: Proof; readonly throughBytes: number; readonly diskBytes: number }

export type BatchOutcome =
  | { readonly object: TransferObject; readonly moved: Moved }
  | { readonly object: TransferObject; readonly error: LakehouseError }

/** A way to move objects. One of `move` and `moveBatch`. */
export type TransferEngine = {
  /** Why it cannot serve the pair at all, or undefined. */
  unfit(pair: Pair): Promise<string | undefined>
  /** Why it cannot move this object of a pair that it serves, or undefined. */
  refuses(object: TransferObject, pair: Pair): string | undefined
  /** Moves one object. Throws what the stores throw, PRECONDITION_FAILED when the source is another object by now, CHECKSUM_MISMATCH when the copy is not the same. */
  move?(object: TransferObject, pair: Pair): Promise<Moved>
  /** Moves many with one command; every object is told of exactly once. */
  moveBatch?(objects: readonly TransferObject[], pair: Pair): AsyncIterable<BatchOutcome>
}

export const ENGINE_IDS = ['server-copy', 'relay', 's5cmd', 'traditional'] as const

export type EngineId = (typeof ENGINE_IDS)[number]
