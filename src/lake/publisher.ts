import { asLakehouseError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
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
      const about = { table: tableName(root), symbol: null, from: null, to: null, count: 1 }
      return [{ check: 'catalog_failed', severity: 'warning', ...about, explanation: `${message}: tables publish tries again` }]
    }
  }
  return { publish, close: () => catalog?.close() }
}
