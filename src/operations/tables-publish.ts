import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesPublish = operation({
  id: 'tables.publish',
  summary: 'Register a table, or every table, in the configured external catalogs again',
  permission: 'write',
  ...aboutTables((tables, name) => tables.publish(name)),
})
