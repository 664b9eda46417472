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

/** The tables and exports that are built from silver tables. */
export class Gold {
  readonly #lake: Lake

  constructor(lake: Lake) {
    this.#lake = lake
  }

  /** Side tasks that failed although the tables themselves are correct. */
  get findings(): readonly Finding[] {
    return this.#lake.findings
  }

  /**
   * Saves gold.<name> with indicators over the bars of a table. From then on, ingestion keeps it up to date. Throws TABLE_NOT_FOUND, INDICATOR_INVALID, and USAGE if
   * the name belongs to another table.
   */
  async saveIndicators(table: IndicatorTable): Promise<GoldOutcome> {
    await defineIndicators(this.#lake, table)
    const outcome = await buildIndicators(this.#lake, table)
    if (outcome.partitionsWritten > 0) await this.#lake.publish(tableKey('gold', table.name))
    return outcome
  }

  /** Builds gold.universe from the present content of the lake. */
  async updateUniverse(): Promise<void> {
    const rows = await buildUniverse(this.#lake)
    if (rows !== undefined && rows > 0) await this.#lake.publish(UNIVERSE)
  }

  /** Removes a table of indicators from the lake. Returns the number of removed objects. Throws TABLE_NOT_FOUND, and USAGE for any other table. */
  async dropIndicators(name: string): Promise<number> {
    return await dropIndicators(this.#lake, name)
  }

  /**
   * Writes the bars of a table into a folder, in the format of another tool. Returns the files. `symbols` may contain the patterns * and ?. Throws TABLE_NOT_FOUND,
   * INDICATOR_INVALID for rows that are not bars, and USAGE for an unknown tool.
   */
  async exportBars(
    source: string,
    tool: string,
    folder: string,
    { symbols, range }: { symbols: string; range: TimeRange | undefined },
  ): Promise<string[]> {
    const exporter = EXPORTERS.find((one) => one.id === tool)
    if (exporter === undefined)
      throw new LakehouseError('USAGE', `unknown export format "${tool}": use one of ${EXPORTERS.map((one) => one.id).join(', ')}`, {
        details: { tool },
      })
    const { market, interval: name } = tradedRows(source)
    const interval = INTERVAL_IDS.find((one) => one === name)
    if (interval === undefined)
      throw new LakehouseError(
        'INDICATOR_INVALID',
        `cannot export ${source}: its rows are not bars of one interval; choose a table of klines`,
        { details: { table: source } },
      )
    const { store, session, signal } = this.#lake
    const { rows } = await sourceOf({ session, store, asOf: undefined }, source, symbols, range)
    await makeFolder(folder)
    const files = new Map<string, string>()
    for (const { symbol } of await session.rows(`SELECT DISTINCT symbol FROM (${rows}) ORDER BY symbol`)) {
      signal.throwIfAborted()
      for (const file of await exporter.write({ session, rows, market, interval, folder }, String(symbol))) {
        const other = files.get(file)
        if (other !== undefined)
          throw new LakehouseError(
            'OUTPUT_FAILED',
            `${tool} has one name for ${other} and ${symbol} (${file}): export them into two folders`,
            {
              details: { file },
            },
          )
        files.set(file, String(symbol))
      }
    }
    return [...files.keys()]
  }

  /**
   * Writes a training set (features.parquet) and its manifest (manifest.json) into a folder, from the newest or another state of its source. Returns the manifest.
   * Throws TABLE_NOT_FOUND, INDICATOR_INVALID, OUTPUT_FAILED.
   */
  async exportTrainingSet(recipe: TrainingRecipe, folder: string, asOf?: AsOf): Promise<TrainingManifest> {
    const { us } = tradedRows(recipe.source)
    if (us === undefined)
      throw new LakehouseError(
        'INDICATOR_INVALID',
        `cannot make a training set from ${recipe.source}: its rows are not bars of a fixed length; choose a table of klines`,
        { details: { table: recipe.source } },
      )
    const { store, session } = this.#lake
    const { rows, shape, snapshot } = await sourceOf({ session, store, asOf }, recipe.source, recipe.symbols)
    await makeFolder(folder)
    const columns = shape.fields.map((field) => field.name)
    const made = await writeTrainingSet(session, { rows, columns, us }, recipe, snapshot, folder)
    await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(made, undefined, 1)}\n`)
    return made
  }

  /** Makes a training set again from a manifest file. Throws CONFIG_INVALID, CHECKSUM_MISMATCH if the result differs, and what `exportTrainingSet` throws. */
  async repeatTrainingSet(file: string, folder: string): Promise<TrainingManifest> {
    const wanted = await readManifest(file)
    const { snapshot, version, engine, rows: _rows, sha256, ...recipe } = wanted
    const made = await this.exportTrainingSet(recipe, folder, { snapshot })
    if (made.sha256 === sha256) return made
    for (const name of ['features.parquet', 'manifest.json']) await rm(join(folder, name), { force: true })
    throw new LakehouseError(
      'CHECKSUM_MISMATCH',
      `the training set has the SHA-256 ${made.sha256.slice(0, 12)}…, but its manifest says ${sha256.slice(0, 12)}…: repeat it with rules ${version} (now ${made.version}) and engine ${engine} (now ${made.engine})`,
      { details: { output: folder } },
    )
  }
}

/** Throws OUTPUT_FAILED. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new LakehouseError('OUTPUT_FAILED', `cannot create the folder ${folder}: ${asLakehouseError(error).message}`, {
      details: { output: folder },
      cause: error,
    })
  })
}
