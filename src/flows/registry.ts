import { LakehouseError } from '../core/errors.ts'
import { bulkIngestion } from './bulk-ingestion/bulk-ingestion.ts'
import { repair } from './repair/repair.ts'

/** Every flow by its id. A new flow needs a file or folder here and a line in this list. */
export const FLOWS = { [bulkIngestion.id]: bulkIngestion, [repair.id]: repair } as const

/** The flow with this id, display name or alias. Throws USAGE. */
export function findFlow(name: string): (typeof FLOWS)[keyof typeof FLOWS] {
  const found = Object.values(FLOWS).find(({ id, displayName, aliases }) =>
    [id, displayName, ...aliases].some((known: string) => known === name),
  )
  if (found !== undefined) return found
  throw new LakehouseError('USAGE', `unknown flow "${name}": use one of ${Object.keys(FLOWS).join(', ')}`, { details: { flow: name } })
}
