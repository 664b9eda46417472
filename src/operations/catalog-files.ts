import * as z from 'zod'
import { formatInstant } from '../core/time.ts'
import { planArchive } from '../sources/archive/plan-archive.ts'
import { operation } from './contract.ts'
import { SELECTION_EXAMPLE } from './examples.ts'
import { instant } from './schemas.ts'
import { archiveAt, resolveSelection, resolveTypes, selectionFields } from './selection.ts'

const archiveFile = z.strictObject({
  key: z.string(),
  market: z.string(),
  type: z.string(),
  symbol: z.string(),
  interval: z.string().nullable(),
  period: z.string(),
  date: z.string(),
  size: z.number(),
  lastModified: instant,
})

const uncovered = z.strictObject({
  market: z.string(),
  type: z.string(),
  symbol: z.string(),
  interval: z.string().optional(),
  from: instant,
  to: instant,
  reason: z.string(),
})

export const catalogFiles = operation({
  id: 'catalog.files',
  summary: 'List the archive files that cover a selection: the files that an ingestion would fetch',
  permission: 'read',
  input: z.strictObject({ types: z.array(z.string()).default([]), ...selectionFields }),
  result: z.strictObject({
    items: z.array(archiveFile),
    uncovered: z.array(uncovered).describe('ranges that no file covers'),
    unparsed: z.array(z.string()).describe('keys that do not follow the grammar of the archive; an ingestion leaves them out'),
  }),
  example: SELECTION_EXAMPLE,
  run: async (context, input, onItem: (file: z.infer<typeof archiveFile>) => void) => {
    const nowMs = context.nowMs()
    const selection = { types: resolveTypes(input.types), ...resolveSelection(input, nowMs), now: nowMs * 1000 }
    const items: z.infer<typeof archiveFile>[] = []
    const lacking: z.infer<typeof uncovered>[] = []
    const unparsed: string[] = []
    let bytes = 0
    const lakehouse = await context.lakehouse(archiveAt(input.archive))
    await lakehouse.withArchive(selection.exchange, async (archive) => {
      for await (const planned of planArchive(archive, selection)) {
        for (const { key, file, object } of planned.files) {
          const { market, dataset: type, symbol, interval = null, period, date } = file
          const lastModified = formatInstant(object.lastModifiedMs * 1000)
          const item = { key, market, type, symbol, interval, period, date, size: object.size, lastModified }
          items.push(item)
          onItem(item)
          bytes += Math.max(0, object.size)
        }
        unparsed.push(...planned.unparsed)
        const { market, dataset: type, symbol, interval } = planned.series
        for (const { start, end, reason } of planned.uncovered)
          lacking.push({ market, type, symbol, interval, from: formatInstant(start), to: formatInstant(end), reason })
      }
    })
    return { status: 'done', counts: { items: items.length, bytes }, result: { items, uncovered: lacking, unparsed } }
  },
})
