import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { INTERVAL_IDS } from '../core/interval.ts'
import type { TimeRange } from '../core/time.ts'
import type { GoldOutcome } from '../gold/bars/build-bars.ts'
import { tradedRows } from '../gold/bars/traded-rows.ts'
import { buildUniverse, UNIVERSE } from '../gold/build-universe.ts'
import { EXPORTERS } from '../gold/exporters/registry.ts'
import { buildIndicators, defineIndicators, dropIndicators, type IndicatorTable } from '../gold/indicators/build-indicators.ts'
import { readManifest, type TrainingManifest, type TrainingRecipe, writeTrainingSet } from '../gold/training-set.ts'
import type { AsOf } from '../lake/iceberg/table.ts'
import type { Lake } from '../lake/lake.ts'
import { tableKey } from '../lake/layout.ts'
import { sourceOf } from '../query/functions/source-rows.ts'

/** What is made of the silver tables. */
export class Gold {
  readonly #lake: Lake

  constructor(lake: Lake) {
    this.#lake = lake
  }

  /** What did not work besides, though the tables themselves are as they should be. */
  get findings(): readonly Finding[] {
    return this.#lake.findings
  }

  /**
   * Makes gold.<name> of indicators over a table's bars, and keeps it: ingestion brings it up to date from then on. Throws TABLE_NOT_FOUND, INDICATOR_INVALID; USAGE where the name is that of
   * another table.
   */
  async saveIndicators(table: IndicatorTable): Promise<GoldOutcome> {
    await defineIndicators(this.#lake, table)
    const outcome = await buildIndicators(this.#lake, table)
    if (outcome.partitionsWritten > 0) await this.#lake.publish(tableKey('gold', table.name))
    return outcome
  }

  /** Makes gold.universe of what the lake knows by now. */
  async updateUniverse(): Promise<void> {
    const rows = await buildUniverse(this.#lake)
    if (rows !== undefined && rows > 0) await this.#lake.publish(UNIVERSE)
  }

  /** Takes a table of indicators out of the lake; returns how many objects went. Throws TABLE_NOT_FOUND, USAGE where it is of something else. */
  async dropIndicators(name: string): Promise<number> {
    return await dropIndicators(this.#lake, name)
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
    const { store, session, signal } = this.#lake
    const { rows } = await sourceOf({ session, store, asOf: undefined }, source, symbols, range)
    await makeFolder(folder)
    const files: string[] = []
    for (const { symbol } of await session.rows(`SELECT DISTINCT symbol FROM (${rows}) ORDER BY symbol`)) {
      signal.throwIfAborted()
      files.push(...(await exporter.write({ session, rows, market, interval, folder }, String(symbol))))
    }
    return files
  }

  /**
   * Writes a training set (features.parquet) and its manifest (manifest.json) into a folder, of the newest state of its source or of another; returns the manifest. Throws TABLE_NOT_FOUND,
   * INDICATOR_INVALID, OUTPUT_FAILED.
   */
  async exportTrainingSet(recipe: TrainingRecipe, folder: string, asOf?: AsOf): Promise<TrainingManifest> {
    const { us } = tradedRows(recipe.source)
    if (us === undefined)
      throw new LakehouseError('INDICATOR_INVALID', `${recipe.source} has no bars of a fixed length`, { details: { table: recipe.source } })
    const { store, session } = this.#lake
    const { rows, shape, snapshot } = await sourceOf({ session, store, asOf }, recipe.source, recipe.symbols)
    await makeFolder(folder)
    const columns = shape.fields.map((field) => field.name)
    const made = await writeTrainingSet(session, { rows, columns, us }, recipe, snapshot, folder)
    await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(made, undefined, 1)}\n`)
    return made
  }

  /** Makes a training set again from the manifest in a file. Throws CONFIG_INVALID, CHECKSUM_MISMATCH where it comes out otherwise, and what `exportTrainingSet` throws. */
  async repeatTrainingSet(file: string, folder: string): Promise<TrainingManifest> {
    const wanted = await readManifest(file)
    const { snapshot, version, engine, rows: _rows, sha256, ...recipe } = wanted
    const made = await this.exportTrainingSet(recipe, folder, { snapshot })
    if (made.sha256 === sha256) return made
    for (const name of ['features.parquet', 'manifest.json']) await rm(join(folder, name), { force: true })
    throw new LakehouseError(
      'CHECKSUM_MISMATCH',
      `the training set came out as ${made.sha256.slice(0, 12)}…, not ${sha256.slice(0, 12)}…: rules ${version} and ${made.version}, engine ${engine} and ${made.engine}`,
      { details: { output: folder } },
    )
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
