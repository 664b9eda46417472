import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

// The engine is loaded through this file when it is first needed.

export type Engine = { readonly instance: DuckDBInstance; readonly connection: DuckDBConnection }

/** An engine in memory with one connection. */
export async function openEngine(options: Readonly<Record<string, string>>): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', options)
  return { instance, connection: await instance.connect() }
}
