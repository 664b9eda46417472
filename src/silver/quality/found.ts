import type { Relation } from '../../platform/duckdb/relation.ts'

/** Violations of rules: the symbol, the stretch of time in µs and the number of rows. Anomalies also have a score, and the rows before them as JSON. */
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
