import { asLakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { tableName } from '../layout.ts'
import { removeOrphans } from '../tables/maintain.ts'
import { publishTableCard } from '../tables/table-card.ts'
import type { GlueCatalog, GlueSettings } from './glue.ts'

/** Orphaned files are searched for after this many versions of a table … */
const TIDIED_EVERY = 64

/** … and removed when they are older than this, so that nobody still commits or reads them. */
const ORPHAN_MS = 3 * 86_400_000

/**
 * Runs after a commit: writes the table card, publishes the table to Glue if it is configured, and sometimes removes old files of expired snapshots.
 * A failure is a finding, because the table itself is committed.
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
        // The Glue client is loaded on first use, because few lakes use Glue.
        const { GlueCatalog } = await import('./glue.ts')
        catalog ??= new GlueCatalog(glue)
        await catalog.publish(store, root)
      }
      return []
    } catch (error) {
      const { message } = asLakehouseError(error)
      return [
        wholeFinding(
          tableName(root),
          'catalog_failed',
          'warning',
          1,
          `${message}; the table is committed: run \`tables publish\` to try again`,
        ),
      ]
    }
  }
  return { publish, close: () => catalog?.close() }
}
