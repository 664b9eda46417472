import { mkdir } from 'node:fs/promises'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { INTERVAL_IDS } from '../core/interval.ts'
import type { TimeRange } from '../core/time.ts'
import type { GoldOutcome } from '../gold/bars/build-bars.ts'
import { tradedRows } from '../gold/bars/traded-rows.ts'
import { buildUniverse, UNIVERSE } from '../gold/build-universe.ts'
import { EXPORTERS } from '../gold/exporters/registry.ts'
import { buildIndicators, defineIndicators, dropIndicators, type IndicatorTable } from '../gold/indicators/build-indicators.ts'
import { type TrainingManifest, type TrainingRecipe, writeTrainingSet } from '../gold/training-set.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import { tableKey } from '../lake/layout.ts'
import { sourceOf } from '../query/functions/gold-functions.ts'
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

  /** Makes gold.universe of what the lake knows by now. */
  async updateUniverse(): Promise<void> {
    const { withSession, publish, ...deps } = this.#deps
    const rows = await withSession((session) => buildUniverse({ ...deps, session }))
    if (rows !== undefined && rows > 0) this.findings.push(...(await publish(UNIVERSE)))
  }

  /** Takes a table of indicators out of the lake; returns how many objects went. Throws TABLE_NOT_FOUND, USAGE where it is of something else. */
  async dropIndicators(name: string): Promise<number> {
    const { withSession, publish: _publish, ...deps } = this.#deps
    return await withSession((session) => dropIndicators({ ...deps, session, ...this.#options }, name))
  }

  /**
   * Writes the bars of a table into a folder as another tool reads them; returns the files. Of `symbols` * and ? are patterns. Throws TABLE_NOT_FOUND, INDICATOR_INVALID for rows that are no bars, USAGE
   * for a tool that there is none of.
   */
  async exportBars(
    source: string,
    tool: string,
    folder: string,
    { symbols, range }: { symbols: string; range: TimeRange | undefined },
  ): Promise<string[]> {
    const exporter = EXPORTERS.find((one) => one.id === tool)
    if (exporter === undefined)
      throw new LakehouseError('USAGE', `bars are exported to ${EXPORTERS.map((one) => one.id).join(', ')}, not to ${tool}`, {
        details: { tool },
      })
    const { market, interval: name } = tradedRows(source)
    const interval = INTERVAL_IDS.find((one) => one === name)
    if (interval === undefined)
      throw new LakehouseError('INDICATOR_INVALID', `${source} has no bars of one interval`, { details: { table: source } })
    return await this.#deps.withSession(async (session) => {
      const { rows } = await sourceOf({ session, store: this.#deps.store, asOf: undefined }, source, symbols, range)
      await makeFolder(folder)
      const found = await session.rows(`SELECT DISTINCT symbol FROM (${rows}) ORDER BY symbol`)
      const files: string[] = []
      for (const { symbol } of found) {
        this.#options.signal.throwIfAborted()
        files.push(...(await exporter.write({ session, rows, market, interval, folder }, String(symbol))))
      }
      return files
    })
  }

  /** Writes a training set into a folder, of the newest state of its source or of another; returns its manifest. Throws TABLE_NOT_FOUND, INDICATOR_INVALID. */
  async exportTrainingSet(recipe: TrainingRecipe, folder: string, asOf?: AsOf): Promise<TrainingManifest> {
    const { us } = tradedRows(recipe.source)
    if (us === undefined)
      throw new LakehouseError('INDICATOR_INVALID', `${recipe.source} has no bars of a fixed length`, { details: { table: recipe.source } })
    return await this.#deps.withSession(async (session) => {
      const { rows, shape, snapshot } = await sourceOf({ session, store: this.#deps.store, asOf }, recipe.source, recipe.symbols)
      await makeFolder(folder)
      const columns = shape.fields.map((field) => field.name)
      return await writeTrainingSet(session, { rows, columns, us }, recipe, snapshot, folder)
    })
  }
}

/** Throws OUTPUT_FAILED. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new LakehouseError('OUTPUT_FAILED', `${folder} cannot be made: ${asLakehouseError(error).message}`, {
      details: { output: folder },
      cause: error,
    })
  })
}
