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

/** An object in the listing of the archive, its key in the lake, and whether a checksum file is listed beside it. */
type Planned = { readonly key: string; readonly object: ArchiveObject; readonly hasChecksum: boolean }

type Fetched = {
  readonly sha256: string
  readonly size: number
  readonly seen: ArchiveObject
  readonly published: { sha256: string; file: Uint8Array } | null
}

/**
 * Brings one published object into bronze and verifies it. The bytes are hashed while they stream and compared with the checksum file. After a mismatch they
 * are fetched once more, then quarantined. An object that is unchanged in the ledger is skipped. Bytes in bronze that the ledger does not know are verified
 * without fetching them. A republished object becomes a new revision. The outcome is a value; only an interruption throws.
 */
export async function landObject(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const held = await deps.store.head(bronzeKey(key))
  // An object that bronze has lost is fetched as if it were new.
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
 * Whether the archive still has the revision that the ledger last verified. A size of −1 or an empty ETag means that the archive does not report it. Listings give
 * times in milliseconds, other answers in seconds. An object that came without a checksum file is checked again when the archive publishes one.
 */
function isUnchanged({ object, hasChecksum }: Planned, known: ObjectState): boolean {
  return (
    (object.size < 0 || object.size === known.size) &&
    (object.etag === '' || object.etag === known.etag) &&
    Math.floor(object.lastModifiedMs / 1000) === Math.floor(known.lastModifiedMs / 1000) &&
    !(hasChecksum && known.published === null)
  )
}

/** A killed run may have left the object in bronze: it is verified there, without fetching it. If its digest is wrong, it goes to quarantine. */
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

/** Streams the object to its final key. A mismatch ends the stream before anything is published there. */
async function receive(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const published = await readDigest(deps, planned)
  const staging = known === undefined ? undefined : stagingKey()
  const fetched = await deps.attempt(async (): Promise<Fetched> => {
    const opened = await deps.archive.origin.open(planned.object.key)
    const hashed = hashing(opened.body, key, published?.sha256 ?? null, mostBytes(planned.object.size))
    await deps.store.put(staging ?? bronzeKey(key), hashed.body)
    return { ...hashed.digest(), seen: { ...opened, size: hashed.digest().size }, published }
  })
  return await place(deps, key, fetched, known, staging)
}

/** Fetches the object a second time, to a staging key. It enters bronze only if its digest is right this time, else it goes to quarantine. */
async function receiveIntoQuarantine(deps: LandDeps, planned: Planned, known: ObjectState | undefined): Promise<LandOutcome> {
  const { key } = planned
  const staging = stagingKey()
  const published = await readDigest(deps, planned).catch((error: unknown) => asLakehouseError(error))
  const fetched = await deps.attempt(async () => {
    const opened = await deps.archive.origin.open(planned.object.key)
    const hashed = hashing(opened.body, key, null, mostBytes(planned.object.size))
    await deps.store.put(staging, hashed.body)
    return { ...hashed.digest(), seen: { ...opened, size: hashed.digest().size } }
  })
  if (!(published instanceof LakehouseError) && (published === null || published.sha256 === fetched.sha256))
    return await place(deps, key, { ...fetched, published }, known, staging)
  const expected = published instanceof LakehouseError ? null : (published?.sha256 ?? null)
  const error =
    published instanceof LakehouseError
      ? published
      : new LakehouseError(
          'CHECKSUM_MISMATCH',
          `${key} was fetched twice, but its SHA-256 is ${fetched.sha256} and the exchange published ${expected}: run \`ingest\` again when the exchange has fixed the file`,
          {
            details: { key, expected, sha256: fetched.sha256 },
          },
        )
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

/** Moves staged bytes to the final key of the object, and keeps the revision that they replace. */
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

/** Writes the checksum file beside the object, then the ledger events, so that the events are true when they are written. */
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

/** A temporary key for an object that is not verified yet. Leftovers of a killed run are swept like any temporary file. */
function stagingKey(): string {
  return `quarantine/${temporaryName()}`
}

/** What an object may have where a listing lags behind a larger successor. */
function mostBytes(listed: number): number {
  return 4 * Math.max(listed, 0) + (64 << 20)
}
