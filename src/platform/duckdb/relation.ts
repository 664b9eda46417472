import type { DuckDBSession } from './session.ts'

let made = 0

/**
 * A temporary table of one session that is known by this value alone, never by a name that two files agree on. `Columns` says what it holds; whoever made it disposes of it, or hands it
 * on with what it returns. In SQL it stands for itself: `FROM ${relation}`.
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

  /** An empty one, with the SQL types of its columns. */
  static async empty<C extends string>(session: DuckDBSession, types: Readonly<Record<C, string>>): Promise<Relation<C>> {
    const relation = new Relation(session, Object.keys(types) as C[])
    const columns = relation.columns.map((name) => `"${name}" ${types[name]}`)
    await session.run(`CREATE TEMP TABLE ${relation} (${columns.join(', ')})`)
    return relation
  }

  /** The rows of a query, which has these columns in any order. Throws SQL_INVALID for one that lacks one of them, QUERY_FAILED. */
  static async of<C extends string>(session: DuckDBSession, columns: readonly C[], query: string): Promise<Relation<C>> {
    const relation = new Relation(session, columns)
    await session.run(`CREATE TEMP TABLE ${relation} AS SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM (${query})`)
    return relation
  }

  /** The rows of a query, with whatever columns it has. */
  static async from(session: DuckDBSession, query: string): Promise<Relation<string>> {
    const described = await session.rows(`DESCRIBE ${query}`)
    return await Relation.of(
      session,
      described.map((row) => String(row['column_name'])),
      query,
    )
  }

  /** Adds the rows of a query, whose columns are told by their names; those that it lacks are null. */
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
