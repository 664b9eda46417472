import { asLakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { GlueCatalog, type GlueSettings } from './glue.ts'
import { tableName } from './layout.ts'
import { publishTableCard } from './table-card.ts'

/** Tells of changed tables: beside them in JSON, and to Glue where it is configured. What fails of that is a finding, because the table is committed all the same. */
export function tablePublisher(
  store: ObjectStore,
  glue: (Omit<GlueSettings, 'endpoint'> & { readonly endpoint: string }) | undefined,
): { publish: (root: string) => Promise<Finding[]>; close: () => void } {
  const catalog = glue === undefined ? undefined : new GlueCatalog({ ...glue, endpoint: glue.endpoint === '' ? undefined : glue.endpoint })
  const publish = async (root: string): Promise<Finding[]> => {
    try {
      await publishTableCard(store, root)
      await catalog?.publish(store, root)
      return []
    } catch (error) {
      const { message } = asLakehouseError(error)
      return [wholeFinding(tableName(root), 'catalog_failed', 'warning', 1, `${message}: tables publish tries again`)]
    }
  }
  return { publish, close: () => catalog?.close() }
}
