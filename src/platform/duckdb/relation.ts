import type { DuckDBSession } from './session.ts'

let made = 0

/**
 * A temporary table of one session. Code refers to it by this value, never by a shared name: `FROM ${relation}`. `Columns` are its columns.
 * The code that made it disposes of it or returns it.
 */
export class Relation<Columns extends string> implements AsyncDisposable {
  readonly #session: DuckDBSession
  readonly #name: string
  readonly columns: readonly Columns[]

  private constructor(session: DuckDBSession, columns: readonly Columns[]) {
    this.#session = session
    this.#name = `relation_${++made}`
    this.columns = columns
  }

  /** An empty relation, with the SQL types of its columns. */
  static async empty<C extends string>(session: DuckDBSession, types: Readonly<Record<C, string>>): Promise<Relation<C>> {
    const relation = new Relation(session, Object.keys(types) as C[])
    const columns = relation.columns.map((name) => `"${name}" ${types[name]}`)
    await session.run(`CREATE TEMP TABLE ${relation} (${columns.join(', ')})`)
    return relation
  }

  /** The rows of a query with these columns, in any order. Throws SQL_INVALID if the query lacks a column, and QUERY_FAILED. */
  static async of<C extends string>(session: DuckDBSession, columns: readonly C[], query: string): Promise<Relation<C>> {
    const relation = new Relation(session, columns)
    await session.run(`CREATE TEMP TABLE ${relation} AS SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM (${query})`)
    return relation
  }

  /** The rows of a query, with all its columns. */
  static async from(session: DuckDBSession, query: string): Promise<Relation<string>> {
    const described = await session.rows(`DESCRIBE ${query}`)
    return await Relation.of(
      session,
      described.map((row) => String(row['column_name'])),
      query,
    )
  }

  /** Adds the rows of a query. Columns are matched by name, and missing columns are null. */
  async add(query: string): Promise<void> {
    await this.#session.run(`INSERT INTO ${this} BY NAME ${query}`)
  }

  toString(): string {
    return this.#name
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.run(`DROP TABLE IF EXISTS ${this}`)
  }
}
