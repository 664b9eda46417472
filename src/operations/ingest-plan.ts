import * as z from 'zod'
import { formatInstant } from '../core/time.ts'
import { operation } from './contract.ts'
import { SELECTION_EXAMPLE } from './examples.ts'
import { ingestFields } from './ingest.ts'
import { instant } from './schemas.ts'
import { archiveAt, resolveSelection, resolveTypes } from './selection.ts'

const planned = z.strictObject({
  exchange: z.string(),
  market: z.string(),
  type: z.string(),
  symbol: z.string(),
  interval: z.string().nullable(),
  files: z.array(z.string()),
  bytes: z.number(),
  held: z.number().describe('number of files that the lake already has'),
  uncovered: z.array(z.strictObject({ from: instant, to: instant, reason: z.string() })),
})

const { layers: _layers, ...fields } = ingestFields

export const ingestPlan = operation({
  id: 'ingest.plan',
  summary: 'Show what an ingestion would fetch, series by series, without writing anything',
  permission: 'read',
  input: z.strictObject(fields),
  result: z.strictObject({ items: z.array(planned) }),
  example: SELECTION_EXAMPLE,
  run: async (context, { types, archive, ...input }, onItem: (series: z.infer<typeof planned>) => void) => {
    const request = { types: resolveTypes(types), ...resolveSelection(input, context.nowMs()) }
    const lakehouse = await context.lakehouse(archiveAt(archive))
    const items: z.infer<typeof planned>[] = []
    const counts = { filesPlanned: 0, filesSkipped: 0, bytesPlanned: 0 }
    for await (const { series, files, uncovered, held } of lakehouse.plan(request, context.notice)) {
      const { exchange, market, dataset: type, symbol, interval = null } = series
      const bytes = files.reduce((sum, { object }) => sum + Math.max(object.size, 0), 0)
      const missing = uncovered.map(({ start, end, reason }) => ({ from: formatInstant(start), to: formatInstant(end), reason }))
      const item = { exchange, market, type, symbol, interval, files: files.map(({ key }) => key), bytes, held, uncovered: missing }
      items.push(item)
      onItem(item)
      counts.filesPlanned += files.length
      counts.filesSkipped += held
      counts.bytesPlanned += bytes
    }
    return { status: 'done', counts, result: { items } }
  },
})
