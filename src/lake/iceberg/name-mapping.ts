import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import type { TableMetadata } from './metadata.ts'

const mappingJson = z.array(z.looseObject({ 'field-id': z.number().optional(), names: z.array(z.string()) }))

/**
 * Field ids by column name, for data files without field ids: the property schema.name-mapping.default, without nested columns.
 * Undefined for a table without the property. Throws TABLE_CORRUPT.
 */
export function nameMapping({ properties }: TableMetadata, root: string): ReadonlyMap<string, number> | undefined {
  const text = properties['schema.name-mapping.default']
  if (text === undefined) return undefined
  try {
    const fields = mappingJson.parse(JSON.parse(text))
    return new Map(fields.flatMap(({ 'field-id': id, names }) => (id === undefined ? [] : names.map((name) => [name, id] as const))))
  } catch (error) {
    throw new LakehouseError(
      'TABLE_CORRUPT',
      `the property schema.name-mapping.default of ${root} is not a valid name mapping: correct it in the program that set it`,
      {
        details: { table: root },
        cause: error,
      },
    )
  }
}
