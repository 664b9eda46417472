import type { TableColumn } from '../../datasets/contract.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { DEFAULT_SOURCE } from '../../sources/registry.ts'

/** The exchange column of tables about several exchanges. It is the last column, because older tables were made without it for the only exchange. */
export const EXCHANGE_COLUMN = { name: 'exchange', type: 'string', doc: 'the exchange' } as const satisfies TableColumn

/** SQL of rows with their exchange. Rows without one were written when only one exchange existed. */
export function withExchange(rows: string): string {
  return `SELECT * REPLACE (coalesce(exchange, ${quote(DEFAULT_SOURCE.id)}) AS exchange) FROM (SELECT NULL::VARCHAR AS exchange WHERE false UNION ALL BY NAME ${rows})`
}
