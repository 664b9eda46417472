import * as z from 'zod'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'

/** At most this many changed rows are listed. */
const LISTED = 1000

const NAMES = { differs: 'changed', 'only left': 'removed', 'only right': 'added' } as const

const changed = z.strictObject({ change: z.enum(['changed', 'removed', 'added']), before: z.unknown(), after: z.unknown() })

export const revisionsDiff = operation({
  id: 'revisions.diff',
  summary: 'Compare the current revision of a file with an older one, row by row',
  permission: 'read',
  input: z.strictObject({
    key: z.string().min(1),
    from: z.string().optional().describe('start of the digest of the older revision; default: the previous revision'),
  }),
  result: z.strictObject({
    table: z.string(),
    from: z.string(),
    to: z.string(),
    columns: z.record(z.string(), z.number()).readonly().describe('number of differing rows by column'),
    items: z.array(changed),
  }),
  example: { key: EXAMPLE.object },
  run: async (context, { key, from: former }) => {
    const lakehouse = await context.lakehouse()
    const found = await lakehouse.withQuality(false, (quality) => quality.diffRevisions(key, former, LISTED))
    const { equal, differing, onlyLeft, onlyRight, rows, table, from, to, columns } = found
    const counts = { rowsEqual: equal, rowsChanged: differing, rowsRemoved: onlyLeft, rowsAdded: onlyRight }
    const items = rows.map(({ change, left, right }) => ({ change: NAMES[change], before: parse(left), after: parse(right) }))
    const hasChanged = differing + onlyLeft + onlyRight > 0
    return { status: hasChanged ? 'done_with_findings' : 'done', counts, result: { table, from, to, columns, items } }
  },
})

function parse(row: string | null): unknown {
  return row === null ? null : JSON.parse(row)
}
