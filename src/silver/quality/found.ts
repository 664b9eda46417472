import type { Relation } from '../../platform/duckdb/relation.ts'

/** What rules found, µs: how many rows of a symbol in which stretch of time; what is out of the ordinary has a score, and the rows before it as JSON. */
export type Found = Relation<keyof typeof FOUND_TYPES>

/** The columns of `Found`. */
export const FOUND_TYPES = {
  check_id: 'VARCHAR',
  symbol: 'VARCHAR',
  from_us: 'BIGINT',
  to_us: 'BIGINT',
  row_count: 'BIGINT',
  detail: 'VARCHAR',
  score: 'DOUBLE',
  context: 'VARCHAR',
} as const
