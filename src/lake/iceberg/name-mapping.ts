import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import type { TableMetadata } from './metadata.ts'

const mappingJson = z.array(z.looseObject({ 'field-id': z.number().optional(), names: z.array(z.string()) }))

/**
 * The id of the field that a column of a data file without field ids holds, by the column's name: what the property schema.name-mapping.default says, of columns that are not
 * nested. Undefined for a table without the property. Throws TABLE_CORRUPT.
 */
export function nameMapping({ properties }: TableMetadata, root: string): ReadonlyMap<string, number> | undefined {
  const text = properties['schema.name-mapping.default']
  if (text === undefined) return undefined
  try {
    const fields = mappingJson.parse(JSON.parse(text))
    return new Map(fields.flatMap(({ 'field-id': id, names }) => (id === undefined ? [] : names.map((name) => [name, id] as const))))
  } catch (error) {
    throw new LakehouseError('TABLE_CORRUPT', `${root}: the property schema.name-mapping.default is not a name mapping`, {
      details: { table: root },
      cause: error,
    })
  }
}
