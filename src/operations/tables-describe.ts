import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { onTables } from './on-tables.ts'
import { snapshotId, table } from './schemas.ts'

const column = z.strictObject({ id: z.number(), name: z.string(), type: z.string(), doc: z.string().nullable() })
const part = z.strictObject({ source: z.string(), transform: z.string(), name: z.string() })

export const tablesDescribe = operation({
  id: 'tables.describe',
  summary: 'Describe a table from its metadata: columns, partitions, sort order, branches, tags, location',
  permission: 'read',
  input: z.strictObject({ table }),
  result: z.strictObject({
    name: z.string(),
    location: z.string(),
    metadataLocation: z.string(),
    uuid: z.string(),
    snapshotId: snapshotId.nullable(),
    updatedAt: z.string(),
    schema: z.array(column),
    partitionSpec: z.array(part),
    sortOrder: z.array(z.string()).readonly(),
    properties: z.record(z.string(), z.string()).readonly(),
    refs: z.array(z.strictObject({ name: z.string(), type: z.string(), snapshotId })),
    schemas: z.number(),
    specs: z.number(),
    snapshots: z.number(),
  }),
  example: { table: EXAMPLE.minutes },
  run: (context, input) =>
    onTables(context, 'read', async (tables) => ({ status: 'done', counts: {}, result: await tables.describe(input.table) })),
})
