import type { AsOf } from '../../lake/iceberg/table.ts'
import type { Relation } from '../../platform/duckdb/relation.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { BoundTable } from '../bound-table.ts'

/** What a table function works with. */
export type FunctionContext = {
  readonly session: DuckDBSession
  readonly store: ObjectStore
  readonly asOf: AsOf | undefined
  /** Told of each table that is read. */
  readonly onRead?: (table: BoundTable) => void
}

export type Arguments = Readonly<Record<string, string>>

/** A table function of SQL whose arguments are constants: what it gives is made before the statement runs. */
export type TableFunction = {
  readonly name: string
  /** Its arguments, all of them texts. Those with a value may be left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>
  readonly example: string
  /** SQL of what it gives, or the rows themselves, which stay as long as the session. */
  make(context: FunctionContext, given: Arguments): Promise<string | Relation<string>>
}
