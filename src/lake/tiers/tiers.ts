import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, realpath, rename, rm, stat, symlink, unlink, utimes } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import { digestOfFile } from '../../storage/digests.ts'
import { localStore, makeFolder, sweepTemporaries, syncFolder } from '../../storage/local.ts'
import { isTemporary, mayBeAtWork, temporaryName } from '../../storage/temporary.ts'
import { withLease } from '../../transfer/run/lease.ts'
import { keyOf, liveFiles, loadTable, snapshotOf } from '../iceberg/table.ts'
import type { Lake } from '../lake.ts'
import { bronzeKey, LAYERS } from '../layout.ts'
import { everyTable } from '../tables/list-tables.ts'
import { unlessUnreadable } from '../tables/unreadable.ts'

const days = z.number().int().min(1).nullable()
const layerTiers = (cool: number | null, archive: number | null, keepSnapshots: number) =>
  z
    .strictObject({
      coolAfterDays: days.default(cool).describe('Days after which data files move to the cool tier (null: never)'),
      archiveAfterDays: days.default(archive).describe('Days after which data files move to the archive tier (null: never)'),
      snapshotDays: z
        .number()
        .int()
        .min(1)
        .default(keepSnapshots)
        .describe('Days after which snapshots may expire, except the current one and tagged ones'),
    })
    .prefault({})

/** How long files of each layer stay in the fast tier. Files that a snapshot or tag needs are only moved, never deleted. */
export const tierOptions = z.strictObject({
  bronze: layerTiers(30, 180, 90),
  silver: layerTiers(180, null, 30),
  gold: layerTiers(365, null, 30),
  coolDirectory: z.string().default('').describe('Directory for cool files of a lake on disk, usually on another disk (empty: files stay)'),
  archiveDirectory: z.string().default('').describe('Directory for archived files of a lake on disk (empty: files stay)'),
})

export type TierOptions = z.infer<typeof tierOptions>

const CLASSES = { cool: 'STANDARD_IA', archive: 'GLACIER_IR' } as const

/** Minimum age in days before S3 moves objects to these classes. */
const LEAST_DAYS = 30

/**
 * The rules as a lifecycle configuration for `aws s3api put-bucket-lifecycle-configuration`. It moves data files and aborts abandoned uploads. It deletes nothing,
 * because a lifecycle rule does not know which files a snapshot needs. `prefix` is that of the lake in its bucket. All classes are readable at once, without a restore.
 */
export function lifecycleConfiguration(options: TierOptions, prefix: string): object {
  const rules = LAYERS.map((layer) => {
    const { coolAfterDays, archiveAfterDays } = options[layer]
    const transitions = [
      ...(coolAfterDays === null ? [] : [{ Days: Math.max(LEAST_DAYS, coolAfterDays), StorageClass: CLASSES.cool }]),
      ...(archiveAfterDays === null ? [] : [{ Days: Math.max(LEAST_DAYS, archiveAfterDays), StorageClass: CLASSES.archive }]),
    ]
    // Metadata is small and every query reads it, so only files larger than 128 KiB are moved. The classes charge at least that size.
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

type TierMove = { readonly key: string; readonly tier: 'cool' | 'archive'; readonly bytes: number }

/** What was moved, and the files that stay because their bytes are not those that were written. */
export type TierMoves = { readonly moves: readonly TierMove[]; readonly findings: readonly Finding[] }

const DAY_MS = 86_400_000

/**
 * Moves data files of a lake on disk to the directories of their tiers and leaves links behind, so that readers find them as before. Each lake has its own folder in a tier.
 * Files there without a link were removed from the lake, so they are removed too. A file is always either at its old path or linked.
 * Throws CONFIG_INVALID when a tier is inside the lake or the lake inside a tier.
 */
async function moveToTiers(lake: Lake, directory: string, rules: TierOptions, dryRun: boolean): Promise<TierMoves> {
  const nowMs = lake.nowMs()
  const home = await realpath(directory)
  const findings: Finding[] = []
  let digests: ReadonlyMap<string, string> | undefined
  const folders = { cool: await tierFolder(home, rules.coolDirectory), archive: await tierFolder(home, rules.archiveDirectory) }
  const moves: TierMove[] = []
  for (const layer of LAYERS) {
    const { coolAfterDays, archiveAfterDays } = rules[layer]
    for await (const key of dataFiles(home, layer)) {
      const path = join(home, key)
      const { mtimeMs, size } = await stat(path)
      const age = (nowMs - mtimeMs) / DAY_MS
      const isPast = (limit: number | null, folder: string | undefined) => limit !== null && age >= limit && folder !== undefined
      const tier = isPast(archiveAfterDays, folders.archive) ? 'archive' : isPast(coolAfterDays, folders.cool) ? 'cool' : undefined
      if (tier === undefined) continue
      const target = join(folders[tier] ?? '', key)
      const held = await realpath(path)
      if (held === target) continue
      if (!dryRun) {
        digests ??= await recordedDigests(lake)
        if (!(await moveFile(path, target, held === path ? undefined : held, digests.get(key)))) {
          findings.push(wholeFinding('lake', 'file_damaged', 'error', 1, `${key} is damaged and was not moved: run \`lake repair\``))
          continue
        }
      }
      moves.push({ key, tier, bytes: size })
    }
  }
  if (!dryRun) for (const folder of Object.values(folders)) if (folder !== undefined) await removeUnlinked(home, folder)
  return { moves, findings }
}

/** The folder of the lake in a tier, with all links in its path resolved. */
async function tierFolder(home: string, directory: string): Promise<string | undefined> {
  if (directory === '') return undefined
  await makeFolder(resolve(directory))
  const tier = await realpath(directory)
  const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}/`)
  if (isWithin(tier, home) || isWithin(home, tier))
    throw new LakehouseError(
      'CONFIG_INVALID',
      `the tier directory ${tier} and the lake ${home} overlap: choose a tier directory outside the lake`,
      { details: { tier } },
    )
  const folder = join(tier, `lake-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`)
  await makeFolder(folder)
  return folder
}

/** Parquet files of tables and raw objects of bronze; never metadata, the ledger or quarantine. */
async function* dataFiles(lake: string, layer: string): AsyncGenerator<string> {
  const names = await readdir(join(lake, layer), { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    const key = relative(lake, join(entry.parentPath, entry.name))
    const isData = /\/data\/.*\.parquet$/.test(key) || /^bronze\/(?!_ledger\/)[^/]+\/.*\.zip$/.test(key)
    if (isData && !entry.isDirectory() && !isTemporary(entry.name)) yield key
  }
}

/** The recorded SHA-256 of data files and raw objects, by key. */
async function recordedDigests(lake: Lake): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  await using fold = await lake.readLedger()
  for (const { key, sha256 } of (await fold.currentObjects('')).values()) digests.set(bronzeKey(key), sha256)
  for (const root of await everyTable(lake.store))
    await unlessUnreadable(async () => {
      const table = await loadTable(lake.store, root)
      if (table === undefined) return
      for await (const { path, sha256 } of liveFiles(table, snapshotOf(table, undefined)))
        if (sha256 !== undefined) digests.set(keyOf(lake.store, path), sha256)
    })
  return digests
}

/**
 * Moves a file, and compares the copy with what was read, and with the recorded digest. Returns false for a damaged file, which stays.
 * `former` is the path of the file in another tier, if it was moved before.
 */
async function moveFile(path: string, target: string, former: string | undefined, digest: string | undefined): Promise<boolean> {
  await makeFolder(dirname(target))
  const copy = join(dirname(target), temporaryName())
  const held = digest ?? (await digestOfFile(path))
  await pipeline(createReadStream(path), createWriteStream(copy, { flush: true }))
  if ((await digestOfFile(copy)) !== held) {
    await rm(copy)
    return false
  }
  const { atime, mtime } = await stat(path)
  await utimes(copy, atime, mtime)
  await rename(copy, target)
  await syncFolder(dirname(target))
  const link = join(dirname(path), temporaryName())
  await symlink(target, link)
  await rename(link, path)
  if (former !== undefined) await rm(former, { force: true })
  return true
}

/** Removes files that this lake moved here and no longer links to, and leftovers of killed moves. */
async function removeUnlinked(home: string, folder: string): Promise<void> {
  await sweepTemporaries(folder, mayBeAtWork)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || isTemporary(basename(path))) continue
    const linked = await realpath(join(home, relative(folder, path))).catch(() => undefined)
    if (linked !== path) await unlink(path)
  }
}

/** Moves the files of a lake on disk, one process at a time. A dry run only lists them. Throws STORE_UNSUPPORTED for a lake in a bucket. */
export async function tierLake(lake: Lake, options: TierOptions, dryRun: boolean): Promise<TierMoves> {
  const { store, nowMs } = lake
  if (!store.capabilities.localFiles)
    throw new LakehouseError(
      'STORE_UNSUPPORTED',
      'cannot move files of a lake in a bucket: the bucket moves its objects itself; give it the rules that `tiers lifecycle` prints',
    )
  const [folder = ''] = store.files.folders
  const move = () => moveToTiers(lake, folder, options, dryRun)
  return dryRun ? await move() : await withLease(localStore(join(folder, '.tiers')), 'tiers', nowMs, move)
}
