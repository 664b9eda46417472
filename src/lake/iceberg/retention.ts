import { LakehouseError } from '../../core/errors.ts'
import { lineOf, type Snapshot, sameId, type TableMetadata } from './metadata.ts'

// What may be removed from a table, by the table properties and the settings of its branches and tags (https://iceberg.apache.org/spec/#snapshot-retention-policy).

/** Whether the table allows that snapshots and files are removed. Another table may share its files. */
export function allowsRemoval({ properties }: Pick<TableMetadata, 'properties'>): boolean {
  return properties['gc.enabled'] !== 'false'
}

/** Throws TABLE_UNSUPPORTED when the table forbids that snapshots and files are removed. */
export function requireRemoval(metadata: Pick<TableMetadata, 'properties'>, root: string): void {
  if (allowsRemoval(metadata)) return
  throw new LakehouseError(
    'TABLE_UNSUPPORTED',
    `cannot remove snapshots or files of ${root}: its property gc.enabled is false, so other tables may use its files; change the property first`,
    { details: { table: root } },
  )
}

export type Retention = {
  /** Younger snapshots stay, ms: what the user says, else the property history.expire.max-snapshot-age-ms, else the default. */
  readonly olderThanMs?: number | undefined
  readonly defaultAgeMs: number
  /** This many of the newest snapshots stay. */
  readonly keep: number
  readonly nowMs: number
}

/**
 * The branches and tags that are too old, and the snapshots that may go, oldest first. A snapshot stays if a branch or tag that stays needs it: a tag its own, a branch its newest
 * ones, by number and by age. The current snapshot stays always.
 */
export function removable(
  metadata: TableMetadata,
  { olderThanMs, defaultAgeMs, keep, nowMs }: Retention,
): { refs: string[]; snapshots: Snapshot[] } {
  const { snapshots, refs, properties } = metadata
  const byId = new Map(snapshots.map((snapshot) => [BigInt(snapshot['snapshot-id']), snapshot]))
  const setting = (name: string) => numberIn(properties[name])
  const beforeMs = nowMs - (olderThanMs ?? setting('history.expire.max-snapshot-age-ms') ?? defaultAgeMs)
  const old = Object.entries(refs).flatMap(([name, ref]) => {
    const ageMs = numberIn(ref['max-ref-age-ms']) ?? setting('history.expire.max-ref-age-ms')
    const atMs = byId.get(BigInt(ref['snapshot-id']))?.['timestamp-ms'] ?? nowMs
    return name !== 'main' && ageMs !== undefined && nowMs - atMs > ageMs ? [name] : []
  })
  const kept = new Set(snapshots.slice(Math.max(0, snapshots.length - keep)).map((snapshot) => BigInt(snapshot['snapshot-id'])))
  for (const [name, ref] of Object.entries(refs)) {
    if (old.includes(name)) continue
    kept.add(BigInt(ref['snapshot-id']))
    if (ref.type !== 'branch') continue
    const least = numberIn(ref['min-snapshots-to-keep']) ?? setting('history.expire.min-snapshots-to-keep') ?? 1
    const ageMs = numberIn(ref['max-snapshot-age-ms'])
    for (const [index, snapshot] of lineOf(metadata, ref['snapshot-id']).entries())
      if (index < least || (ageMs !== undefined && nowMs - snapshot['timestamp-ms'] <= ageMs)) kept.add(BigInt(snapshot['snapshot-id']))
  }
  const gone = snapshots.filter((snapshot) => !kept.has(BigInt(snapshot['snapshot-id'])) && snapshot['timestamp-ms'] < beforeMs)
  return { refs: old, snapshots: gone.filter((snapshot) => !sameId(snapshot['snapshot-id'], metadata['current-snapshot-id'])) }
}

function numberIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}
