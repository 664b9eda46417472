import { asLakehouseError, type ErrorCode, LakehouseError } from '../../core/errors.ts'
import type { Lake } from '../../lake/lake.ts'
import { bronzeKey, quarantinedObjectKey, revisionKey } from '../../lake/layout.ts'
import type { ObjectState } from '../../lake/ledger/fold.ts'
import type { OpenArchive } from '../../sources/archive/discover.ts'
import { objectKey } from '../../sources/objects.ts'
import type { ArchiveObject } from '../../sources/origin/origin.ts'
import { temporaryName } from '../../storage/temporary.ts'
import { hashing, publishedDigest } from './fetch.ts'

export type LandOutcome =
  | {
      readonly status: 'landed' | 'revised' | 'adopted'
      readonly key: string
      readonly sizeBytes: number
      readonly checksum: 'published' | 'absent'
    }
  | { readonly status: 'skipped'; readonly key: string; readonly sizeBytes: number }
  | { readonly status: 'quarantined'; readonly key: string; readonly error: LakehouseError }
  | { readonly status: 'failed'; readonly key: string; readonly error: LakehouseError }

export type LandDeps = Pick<Lake, 'store' | 'ledger'> & {
  readonly archive: OpenArchive
  /** Repeats calls that fail with a retryable error. */
  readonly attempt: <T>(call: () => Promise<T>) => Promise<T>
}

/** An object as the archive lists it, the key under which the lake knows it, and whether a checksum file is listed beside it. */
type Planned = { readonly key: string; readonly object: ArchiveObject; readonly hasChecksum: boolean }

type Fetched = {
  readonly sha256: string
  readonly size: number
  readonly seen: ArchiveObject
  readonly published: { sha256: string; file: Uint8Array } | null
}

/**
 * Brings one published object into bronze and proves it: hashed while it streams, compared with its checksum file, fetched once more on a mismatch and
 * then quarantined. An object that the ledger knows unchanged is skipped; bytes that lie in bronze although the ledger does not know them are verified
 * in place; a republished object becomes a new revision. The outcome is a value; only an interruption throws.
 */
export async function landObject(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const held = await deps.store.head(bronzeKey(key))
  // What is known of an object that bronze has lost does not count: it is fetched as if it were new.
  const current = held?.size === known?.size ? known : undefined
  if (current !== undefined && isUnchanged(planned, current)) return { status: 'skipped', key, sizeBytes: current.size }
  try {
    const { size, etag, lastModifiedMs } = planned.object
    await deps.ledger.append({ event: 'planned', key, size, etag, lastModifiedMs })
    const adopted = current === undefined && held !== undefined ? await adopt(deps, planned) : undefined
    return adopted ?? (await fetchAndLand(deps, planned, current))
  } catch (error) {
    const failure = asLakehouseError(error, 'ORIGIN_FAILED')
    if (failure.code === 'INTERRUPTED' || failure.code === 'DISK_FULL') throw failure
    return { status: 'failed', key, error: failure }
  }
}

/**
 * Whether upstream still has what the ledger last verified. A size of −1 and an empty ETag mean that upstream does not tell. Listings give times to the
 * millisecond, answers to the second. An object that was taken without a checksum file is looked at again once there is one.
 */
function isUnchanged({ object, hasChecksum }: Planned, known: ObjectState): boolean {
  return (
    (object.size < 0 || object.size === known.size) &&
    (object.etag === '' || object.etag === known.etag) &&
    Math.floor(object.lastModifiedMs / 1000) === Math.floor(known.lastModifiedMs / 1000) &&
    !(hasChecksum && known.published === null)
  )
}

/** A run that was killed may have left the very object: it is proved where it lies, without fetching it. Other bytes are put aside. */
async function adopt(deps: LandDeps, planned: Planned): Promise<LandOutcome | undefined> {
  const { key } = planned
  const published = await readDigest(deps, planned)
  if (published === null) return undefined
  const hashed = hashing(deps.store.stream(bronzeKey(key)), key, null)
  for await (const _ of hashed.body);
  const { sha256, size } = hashed.digest()
  if (sha256 !== published.sha256) {
    await deps.store.copy(bronzeKey(key), quarantinedObjectKey(sha256, key))
    return undefined
  }
  await settle(deps, key, { sha256, size, seen: planned.object, published }, undefined)
  return { status: 'adopted', key, sizeBytes: size, checksum: 'published' }
}

async function fetchAndLand(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  try {
    return await receive(deps, planned, known)
  } catch (error) {
    if (!needsSecondLook(error)) throw error
  }
  return await receiveIntoQuarantine(deps, planned, known)
}

function needsSecondLook(error: unknown): boolean {
  return error instanceof LakehouseError && (['CHECKSUM_MISMATCH', 'CHECKSUM_FILE_INVALID'] as ErrorCode[]).includes(error.code)
}

/** Streams the object to its place; a mismatch ends the stream before anything is published there. */
async function receive(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const published = await readDigest(deps, planned)
  const staging = known === undefined ? undefined : stagingKey()
  const fetched = await deps.attempt(async (): Promise<Fetched> => {
    const opened = await deps.archive.origin.open(planned.object.key)
    const hashed = hashing(opened.body, key, published?.sha256 ?? null)
    await deps.store.put(staging ?? bronzeKey(key), hashed.body)
    return { ...hashed.digest(), seen: { ...opened, size: hashed.digest().size }, published }
  })
  return await place(deps, key, fetched, known, staging)
}

/** The second fetch goes to quarantine first: it leaves it only if its digest is right this time. */
async function receiveIntoQuarantine(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const staging = stagingKey()
  const published = await readDigest(deps, planned).catch((error: unknown) => asLakehouseError(error))
  const fetched = await deps.attempt(async () => {
    const opened = await deps.archive.origin.open(planned.object.key)
    const hashed = hashing(opened.body, key, null)
    await deps.store.put(staging, hashed.body)
    return { ...hashed.digest(), seen: { ...opened, size: hashed.digest().size } }
  })
  if (!(published instanceof LakehouseError) && (published === null || published.sha256 === fetched.sha256))
    return await place(deps, key, { ...fetched, published }, known, staging)
  const expected = published instanceof LakehouseError ? null : (published?.sha256 ?? null)
  const error =
    published instanceof LakehouseError
      ? published
      : new LakehouseError('CHECKSUM_MISMATCH', `${key}: twice not the published SHA-256 ${expected}: ${fetched.sha256}`, {
          details: { key, expected, sha256: fetched.sha256 },
        })
  await deps.store.copy(staging, quarantinedObjectKey(fetched.sha256, key))
  await deps.store.delete(staging)
  await deps.ledger.append({
    event: 'quarantined',
    key,
    stage: 'land',
    sha256: fetched.sha256,
    published: expected,
    code: error.code,
    message: error.message,
    decoder: 0,
    bound: null,
  })
  return { status: 'quarantined', key, error }
}

/** Moves staged bytes to the object's place, keeping the revision that they replace. */
async function place(
  deps: LandDeps,
  key: string,
  fetched: Fetched,
  known: ObjectState | undefined,
  staging: string | undefined,
): Promise<LandOutcome> {
  const { sha256, size, published } = fetched
  const revised = known !== undefined && known.sha256 !== sha256
  if (revised) await keepRevision(deps, key, known.sha256)
  if (staging !== undefined) {
    if (known === undefined || revised) await deps.store.copy(staging, bronzeKey(key))
    await deps.store.delete(staging)
  }
  await settle(deps, key, fetched, known)
  return { status: revised ? 'revised' : 'landed', key, sizeBytes: size, checksum: published === null ? 'absent' : 'published' }
}

async function keepRevision(deps: LandDeps, key: string, sha256: string): Promise<void> {
  const old = revisionKey(sha256, key)
  if ((await deps.store.head(old)) !== undefined) return
  const hashed = hashing(deps.store.stream(bronzeKey(key)), key, null)
  for await (const _ of hashed.body);
  if (hashed.digest().sha256 === sha256) await deps.store.copy(bronzeKey(key), old)
}

/** The checksum file beside the object, then the ledger's lines: what they claim is true by then. */
async function settle(
  deps: LandDeps,
  key: string,
  { sha256, size, seen, published }: Fetched,
  known: ObjectState | undefined,
): Promise<void> {
  const { source } = deps.archive
  if (published !== null) await deps.store.put(bronzeKey(objectKey(source, source.archive.checksumKey(seen.key))), published.file)
  const about = { key, size, etag: seen.etag, lastModifiedMs: seen.lastModifiedMs, sha256 }
  if (known !== undefined && known.sha256 !== sha256)
    await deps.ledger.append({ event: 'superseded', key, sha256: known.sha256, by: sha256 })
  await deps.ledger.append({ event: 'fetched', ...about }, { event: 'verified', ...about, published: published?.sha256 ?? null })
}

function readDigest(deps: LandDeps, { object, hasChecksum }: Planned): Promise<{ sha256: string; file: Uint8Array } | null> {
  return deps.attempt(() => publishedDigest(deps.archive, object.key, hasChecksum))
}

/** Where an object waits until its fate is decided; what a killed run leaves there is swept as any temporary file. */
function stagingKey(): string {
  return `quarantine/${temporaryName()}`
}
