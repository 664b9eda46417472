import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesHealth = operation({
  id: 'tables.health',
  summary: 'What of the layout of a table, or of every table, costs its readers',
  permission: 'read',
  ...aboutTables((tables, name) => tables.health(name)),
})
