import type { Finding } from './core/finding.ts'
import type { GoldOutcome } from './gold/build-bars.ts'
import { buildIndicators, defineIndicators, type IndicatorTable, indicatorTables } from './gold/build-indicators.ts'
import { tableKey } from './lake/layout.ts'
import type { TablesDeps } from './tables.ts'

export type GoldOptions = { readonly signal: AbortSignal }

/** What is made of the silver tables. */
export class Gold {
  /** What did not work besides, though the tables themselves are as they should be. */
  readonly findings: Finding[] = []
  readonly #deps: TablesDeps
  readonly #options: GoldOptions

  constructor(deps: TablesDeps, options: GoldOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** The tables of indicators that ingestion keeps up to date. */
  async indicatorTables(): Promise<IndicatorTable[]> {
    return await indicatorTables(this.#deps.store)
  }

  /**
   * Makes gold.<name> of indicators over a table's bars, and keeps it: ingestion brings it up to date from then on. Throws TABLE_NOT_FOUND, INDICATOR_INVALID; USAGE where the name is that of
   * another table.
   */
  async saveIndicators(table: IndicatorTable): Promise<GoldOutcome> {
    const { withSession, publish, ...deps } = this.#deps
    const outcome = await withSession(async (session) => {
      const all = { ...deps, session, ...this.#options }
      await defineIndicators(all, table)
      return await buildIndicators(all, table)
    })
    if (outcome.partitionsWritten > 0) this.findings.push(...(await publish(tableKey('gold', table.name))))
    return outcome
  }
}
