import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, readdir, readlink, rename, rm, stat, symlink, unlink, utimes } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { makeFolder } from '../storage/local.ts'
import { isTemporary, temporaryName } from '../storage/temporary.ts'
import { LAYERS } from './layout.ts'

const days = z.coerce.number().int().min(1).nullable()
const layerTiers = (cool: number | null, archive: number | null, keepSnapshots: number) =>
  z
    .strictObject({
      coolAfterDays: days.default(cool).describe('Data files older than that go to the cool tier (null: never)'),
      archiveAfterDays: days.default(archive).describe('Data files older than that go to the archive tier (null: never)'),
      snapshotDays: z.coerce
        .number()
        .int()
        .min(1)
        .default(keepSnapshots)
        .describe('Snapshots older than that may be expired, but for the current one and those that tags name'),
    })
    .prefault({})

/** How long files of each layer stay where reading is quick. What a snapshot or tag needs is moved at most, never deleted. */
export const tierOptions = z.strictObject({
  bronze: layerTiers(30, 180, 90),
  silver: layerTiers(180, null, 30),
  gold: layerTiers(365, null, 30),
  coolDirectory: z.string().default('').describe('Where a lake on disk puts cool files: another disk (empty: they stay)'),
  archiveDirectory: z.string().default('').describe('Where it puts archived files (empty: they stay)'),
})

export type TierOptions = z.infer<typeof tierOptions>

const CLASSES = { cool: 'STANDARD_IA', archive: 'GLACIER_IR' } as const

/** Days before which S3 does not move objects to these classes. */
const LEAST_DAYS = 30

/**
 * The rules as a lifecycle configuration for `aws s3api put-bucket-lifecycle-configuration`. It moves data files and gives up abandoned uploads; it deletes nothing, because no lifecycle rule
 * knows what a snapshot needs. `prefix` is the lake's in its bucket. Classes are readable at once: a query never waits for a restore.
 */
export function lifecycleConfiguration(options: TierOptions, prefix: string): object {
  const rules = LAYERS.map((layer) => {
    const { coolAfterDays, archiveAfterDays } = options[layer]
    const transitions = [
      ...(coolAfterDays === null ? [] : [{ Days: Math.max(LEAST_DAYS, coolAfterDays), StorageClass: CLASSES.cool }]),
      ...(archiveAfterDays === null ? [] : [{ Days: Math.max(LEAST_DAYS, archiveAfterDays), StorageClass: CLASSES.archive }]),
    ]
    // Metadata is small and read by every query: only files larger than 128 KiB are moved, which is what the classes charge at least.
    const filter = { And: { Prefix: `${prefix}${layer}/`, ObjectSizeGreaterThan: 131_072 } }
    return {
      ID: `crypto-lakehouse-${layer}`,
      Status: transitions.length === 0 ? 'Disabled' : 'Enabled',
      Filter: filter,
      Transitions: transitions,
    }
  })
  const abandoned = {
    ID: 'crypto-lakehouse-uploads',
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  }
  return { Rules: [...rules.filter(({ Transitions }) => Transitions.length > 0), abandoned] }
}

export type TierMove = { readonly key: string; readonly tier: 'cool' | 'archive'; readonly bytes: number }

const DAY_MS = 86_400_000

/**
 * Moves data files of a lake on disk to the directories of their tiers, and leaves a link in their place, so that everything reads them as before. Files that are in the right tier stay; copies whose link
 * is gone, because their file was removed from the lake, go. Safe to kill: a file is either in its old place or linked. Throws CONFIG_INVALID when a tier lies within the lake.
 */
export async function moveToTiers(
  lake: string,
  rules: TierOptions,
  { nowMs, dryRun }: { nowMs: number; dryRun: boolean },
): Promise<TierMove[]> {
  const absolute = (folder: string) => (folder === '' ? '' : resolve(folder))
  const options = { ...rules, coolDirectory: absolute(rules.coolDirectory), archiveDirectory: absolute(rules.archiveDirectory) }
  for (const tier of [options.coolDirectory, options.archiveDirectory])
    if (tier !== '' && !relative(lake, tier).startsWith('..'))
      throw new LakehouseError('CONFIG_INVALID', `the tier ${tier} lies within the lake ${lake}`, { details: { tier } })
  const moves: TierMove[] = []
  for (const layer of LAYERS) {
    const { coolAfterDays, archiveAfterDays } = options[layer]
    for await (const key of dataFiles(lake, layer)) {
      const path = join(lake, key)
      const { mtimeMs, size } = await stat(path)
      const age = (nowMs - mtimeMs) / DAY_MS
      const tier =
        archiveAfterDays !== null && age >= archiveAfterDays && options.archiveDirectory !== ''
          ? 'archive'
          : coolAfterDays !== null && age >= coolAfterDays && options.coolDirectory !== ''
            ? 'cool'
            : undefined
      if (tier === undefined) continue
      const target = join(tier === 'cool' ? options.coolDirectory : options.archiveDirectory, key)
      const held = (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined
      if (held === target) continue
      if (!dryRun) await moveFile(path, target, held)
      moves.push({ key, tier, bytes: size })
    }
  }
  if (!dryRun) for (const tier of [options.coolDirectory, options.archiveDirectory]) if (tier !== '') await removeUnlinked(lake, tier)
  return moves
}

/** Parquet files of tables and raw objects of bronze; never metadata, the ledger or anything in quarantine. */
async function* dataFiles(lake: string, layer: string): AsyncGenerator<string> {
  const names = await readdir(join(lake, layer), { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    const key = relative(lake, join(entry.parentPath, entry.name))
    const isData = /\/data\/.*\.parquet$/.test(key) || /^bronze\/(?!_ledger\/)[^/]+\/.*\.zip$/.test(key)
    if (isData && !entry.isDirectory() && !isTemporary(entry.name)) yield key
  }
}

async function moveFile(path: string, target: string, held: string | undefined): Promise<void> {
  await makeFolder(dirname(target))
  const copy = join(dirname(target), temporaryName())
  await pipeline(createReadStream(path), createWriteStream(copy, { flush: true }))
  const { atime, mtime } = await stat(path)
  await utimes(copy, atime, mtime)
  await rename(copy, target)
  const link = join(dirname(path), temporaryName())
  await symlink(target, link)
  await rename(link, path)
  if (held !== undefined) await rm(held, { force: true })
}

async function removeUnlinked(lake: string, tier: string): Promise<void> {
  const names = await readdir(tier, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const linked = await readlink(join(lake, relative(tier, path))).catch(() => undefined)
    if (linked !== path && !isTemporary(basename(path))) await unlink(path)
  }
}
