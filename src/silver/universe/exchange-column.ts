import type { TableColumn } from '../../datasets/contract.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { DEFAULT_SOURCE } from '../../sources/registry.ts'

/** The column of tables about several exchanges; the last one, because tables were made without it when there was one exchange. */
export const EXCHANGE_COLUMN = { name: 'exchange', type: 'string', doc: 'the exchange' } as const satisfies TableColumn

/** SQL of rows with their exchange: those that name none were written when there was one. */
export function withExchange(rows: string): string {
  return `SELECT * REPLACE (coalesce(exchange, ${quote(DEFAULT_SOURCE.id)}) AS exchange) FROM (SELECT NULL::VARCHAR AS exchange WHERE false UNION ALL BY NAME ${rows})`
}
