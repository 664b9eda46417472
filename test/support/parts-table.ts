import { fieldsOf, partitionField, type TableShape } from '../../src/lake/iceberg/schema.ts'

/** Numbers in parts: the table that several processes write at once, or that is killed. */
export const PARTS: TableShape = {
  fields: fieldsOf([
    { name: 'id', type: 'long', doc: '' },
    { name: 'part', type: 'string', doc: '' },
  ]),
  partition: [partitionField('part', 'identity')],
  sort: ['id'],
}
