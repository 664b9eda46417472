import { operation } from './contract.ts'
import { aboutTables } from './on-tables.ts'

export const tablesCheck = operation({
  id: 'tables.check',
  summary: 'Check that the metadata and the files of a table, or of every table, agree',
  permission: 'read',
  ...aboutTables((tables, name) => tables.check(name)),
})
