import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesPublish = operation({
  id: 'tables.publish',
  summary: 'Makes a table, or every table, known to the catalogs of others again',
  permission: 'write',
  ...aboutTables((tables, name) => tables.publish(name)),
})
