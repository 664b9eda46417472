import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesCheck = operation({
  id: 'tables.check',
  summary: 'Holds what the metadata of a table, or of every table, says against its files',
  permission: 'read',
  ...aboutTables((tables, name) => tables.check(name)),
})
