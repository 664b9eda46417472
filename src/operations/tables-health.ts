import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesHealth = operation({
  id: 'tables.health',
  summary: 'Find problems in the layout of a table, or of every table, that slow readers down',
  permission: 'read',
  ...aboutTables((tables, name) => tables.health(name)),
})
