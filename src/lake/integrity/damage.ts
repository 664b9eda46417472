import type { Severity } from '../../core/finding.ts'
import type { Problem, Recorded } from '../../storage/digests.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Lake } from '../lake.ts'

/** What a file of a lake is. */
export type FileKind =
  | 'marker'
  | 'ledger segment'
  | 'raw object'
  | 'checksum file'
  | 'revision'
  | 'exchange answer'
  | 'quarantined object'
  | 'data file'
  | 'manifest'
  | 'metadata'
  | 'version hint'
  | 'table card'

/** A file that is missing, or whose bytes are not those that were written. */
export type Damage = {
  readonly key: string
  readonly kind: FileKind
  /** The SQL name of its table, or `lake`. */
  readonly table: string
  readonly problem: Problem
  /** The beginning of the SHA-256 of the right bytes, or undefined if it is not recorded. */
  readonly digest: string | undefined
  /** Whether the present state of the lake needs the file. Otherwise only older snapshots or versions do. */
  readonly isCurrent: boolean
  /** The key of the published object, for files of bronze that belong to one, and the digest in its checksum file. */
  readonly object?: string
  readonly published?: string
}

/** A search for damaged files: what it has found, and how many files it has compared. */
export class DamageSearch {
  readonly store: ObjectStore
  readonly signal: AbortSignal
  readonly damages: Damage[] = []
  /** Files that were compared with their digest, and files whose digest is not recorded. */
  readonly counts = { compared: 0, withoutDigest: 0 }

  constructor({ store, signal }: Pick<Lake, 'store' | 'signal'>) {
    this.store = store
    this.signal = signal
  }

  add(damage: Damage): void {
    this.damages.push(damage)
  }

  count({ digest }: Recorded): void {
    if (digest === undefined) this.counts.withoutDigest++
    else this.counts.compared++
  }
}

/** What can be made again from a table at once is not lost. Damage that only the past needs is less urgent. */
export function severityOf({ kind, isCurrent }: Damage): Severity {
  return isCurrent && kind !== 'table card' && kind !== 'version hint' ? 'error' : 'warning'
}

export function describeDamage({ key, kind, problem, isCurrent }: Damage): string {
  const what = {
    missing: 'is missing',
    size: 'does not have its recorded size',
    bytes: 'is damaged: its bytes differ from those that were written',
  }[problem]
  return `${key} (${kind}) ${what}${isCurrent ? '' : '; only older snapshots or versions need it'}`
}
