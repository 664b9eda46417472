import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { Relation } from '../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../platform/duckdb/session.ts'
import { computeIndicators, inputRows } from './indicators/compute-indicators.ts'
import { parseIndicators } from './indicators/indicator-spec.ts'

/** Increase this number when the same bars would give other rows. */
const TRAINING_VERSION = 2

/** The recipe of a training set. Horizon and embargo count bars; in `symbols`, * and ? are wildcards. */
const recipe = z.strictObject({
  source: z.string(),
  symbols: z.string(),
  features: z.string(),
  horizon: z.number().int().min(1),
  folds: z.number().int().min(2),
  embargo: z.number().int().min(0),
})

export type TrainingRecipe = z.infer<typeof recipe>

/** The recipe of a training set, its source and its result. */
export const trainingManifest = recipe.extend({
  /** The snapshot of the source. */
  snapshot: z.string(),
  /** The version of our rules, and the engine that wrote the file. */
  version: z.number(),
  engine: z.string(),
  rows: z.number(),
  sha256: z.string(),
})

export type TrainingManifest = z.infer<typeof trainingManifest>

/** The manifest in a file. Throws CONFIG_INVALID. */
export async function readManifest(path: string): Promise<TrainingManifest> {
  try {
    return trainingManifest.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new LakehouseError(
      'CONFIG_INVALID',
      `${path} is not a manifest of a training set: ${asLakehouseError(error).message.slice(0, 200)}; name a manifest.json that export --as training has written`,
      {
        details: { path },
        cause: error,
      },
    )
  }
}

/**
 * Writes features.parquet into a folder. Columns:
 * - symbol, open_time and the indicators at the bar;
 * - `label`: the log return from the close of the bar to the close of the bar `horizon` later; `label_end`: the open time of that later bar;
 * - `fold`: the time block of the row, from 0; all blocks are equally long;
 * - `train_<n>`: training rows of fold n. It excludes rows whose label overlaps the test fold, plus the horizon and the embargo after the fold (López de Prado 2018, chapter 7).
 *
 * Leaves out rows in warm-up and rows without a later bar. `rows` is SQL of the bars, `us` the length of a bar.
 */
export async function writeTrainingSet(
  session: DuckDBSession,
  { rows, columns, us }: { rows: string; columns: readonly string[]; us: number },
  { features, horizon, folds, embargo, ...of }: TrainingRecipe,
  snapshot: string,
  folder: string,
): Promise<TrainingManifest> {
  const specs = parseIndicators(features)
  await using bars = await Relation.of(session, columns, rows)
  await using values = await computeIndicators(session, inputRows(`FROM ${bars}`, columns, specs), specs)
  const names = specs.flatMap((spec) => spec.columns).map(quoteName)
  const settled = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
  await using labelled = await Relation.from(
    session,
    `SELECT b.symbol, b.open_time, ${names.map((name) => `v.${name}`).join(', ')}, ln(l.close / b.close) AS label, l.open_time AS label_end
    FROM ${bars} b JOIN ${values} v ON v.symbol = b.symbol AND v.open_time = b.open_time JOIN ${bars} l ON l.symbol = b.symbol AND epoch_us(l.open_time) = epoch_us(b.open_time) + ${horizon * us}
    WHERE ${settled} AND b.close > 0 AND l.close > 0`,
  )
  const [span] = await session.rows(`SELECT epoch_us(min(open_time)) AS first, epoch_us(max(open_time)) + 1 AS last FROM ${labelled}`)
  const [first, last] = [Number(span?.['first'] ?? 0), Number(span?.['last'] ?? 0)]
  const border = (fold: number) => Math.round(first + ((last - first) * fold) / folds)
  const at = 'epoch_us(open_time)'
  const fold = Array.from({ length: folds - 1 }, (_, n) => `CASE WHEN ${at} >= ${border(n + 1)} THEN 1 ELSE 0 END`).join(' + ')
  const trains = Array.from(
    { length: folds },
    (_, n) => `(epoch_us(label_end) < ${border(n)} OR ${at} >= ${border(n + 1) + (horizon + embargo) * us}) AS train_${n}`,
  )
  const file = join(folder, 'features.parquet')
  const temporary = `${file}.new`
  try {
    await session.run(
      `COPY (SELECT *, (${fold})::INTEGER AS fold, ${trains.join(', ')} FROM ${labelled} ORDER BY symbol, open_time) TO ${quote(temporary)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`,
    )
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
  const [counted] = await session.rows(`SELECT count(*) AS n, version() AS engine FROM ${labelled}`)
  const hash = createHash('sha256')
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer)
  const sha256 = hash.digest('hex')
  return {
    ...of,
    features,
    horizon,
    folds,
    embargo,
    snapshot,
    version: TRAINING_VERSION,
    engine: String(counted?.['engine']),
    rows: Number(counted?.['n']),
    sha256,
  }
}
