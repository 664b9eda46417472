import type { LakehouseError } from '../../core/errors.ts'
import type { Pair } from '../pair.ts'
import type { TransferObject } from '../plan/diff.ts'
import type { Proof } from './proof.ts'

/** The result of copying an object. `throughBytes` went through this machine, `diskBytes` over its disk. */
export type Moved = { readonly etag: string; readonly proof: Proof; readonly throughBytes: number; readonly diskBytes: number }

export type BatchOutcome =
  | { readonly object: TransferObject; readonly moved: Moved }
  | { readonly object: TransferObject; readonly error: LakehouseError }

/** A way to copy objects. An engine has either `move` or `moveBatch`. */
export type TransferEngine = {
  /** The reason why the engine cannot serve the pair at all, or undefined. */
  unfit(pair: Pair): Promise<string | undefined>
  /** The reason why the engine cannot copy this object of a pair that it serves, or undefined. */
  refuses(object: TransferObject, pair: Pair): string | undefined
  /** Copies one object. Throws the errors of the stores, PRECONDITION_FAILED when the source changed after it was planned, CHECKSUM_MISMATCH when the copy differs. */
  move?(object: TransferObject, pair: Pair): Promise<Moved>
  /** Copies many objects with one command, and yields exactly one outcome for each. */
  moveBatch?(objects: readonly TransferObject[], pair: Pair): AsyncIterable<BatchOutcome>
}

export const ENGINE_IDS = ['server-copy', 'relay', 's5cmd', 'traditional'] as const

export type EngineId = (typeof ENGINE_IDS)[number]
