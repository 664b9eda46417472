import { asLakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { tableName } from '../layout.ts'
import { removeOrphans } from '../tables/maintain.ts'
import { publishTableCard } from '../tables/table-card.ts'
import type { GlueCatalog, GlueSettings } from './glue.ts'

/** After so many versions of a table the files that no snapshot reaches any more are looked for … */
const TIDIED_EVERY = 64

/** … and go when they are older than what anybody still commits or reads. */
const ORPHAN_MS = 3 * 86_400_000

/**
 * Does what follows a commit: tells of the changed table, beside it in JSON and to Glue where it is configured, and once in a while removes old files that expired snapshots have left.
 * What fails of that is a finding, because the table is committed all the same.
 */
export function tablePublisher(
  store: ObjectStore,
  nowMs: () => number,
  glue: GlueSettings | undefined,
): { publish: (root: string) => Promise<Finding[]>; close: () => void } {
  let catalog: GlueCatalog | undefined
  const publish = async (root: string): Promise<Finding[]> => {
    try {
      const version = await publishTableCard(store, root)
      if (version !== undefined && version % TIDIED_EVERY === 0)
        await removeOrphans(store, root, { beforeMs: nowMs() - ORPHAN_MS, dryRun: false })
      if (glue !== undefined) {
        // Its client is loaded when it is used: few lakes have it.
        const { GlueCatalog } = await import('./glue.ts')
        catalog ??= new GlueCatalog(glue)
        await catalog.publish(store, root)
      }
      return []
    } catch (error) {
      const { message } = asLakehouseError(error)
      return [wholeFinding(tableName(root), 'catalog_failed', 'warning', 1, `${message}: tables publish tries again`)]
    }
  }
  return { publish, close: () => catalog?.close() }
}
