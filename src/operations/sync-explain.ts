import * as z from 'zod'
import { SYNC_MODES } from '../transfer/sync-mode.ts'
import { operation } from './contract.ts'
import { resolveSync, syncFields } from './sync-request.ts'
import { conditions } from './transfer-schemas.ts'

/** At most this many objects are listed; `onItem` receives all of them. */
const LISTED = 10_000

const planned = z.looseObject({ key: z.string(), size: z.number(), action: z.string() })

const group = z.strictObject({ engine: z.string().nullable(), objects: z.number(), bytes: z.number(), why: z.string() })

export const syncExplain = operation({
  id: 'sync.explain',
  summary: 'Show what a transfer would copy and delete, and by which engine, without writing anything',
  permission: 'read',
  input: z.strictObject(syncFields),
  result: z.strictObject({
    syncMode: z.enum(SYNC_MODES),
    items: z.array(planned),
    conditions,
    engines: z.array(z.string()).readonly(),
    unfit: z.array(z.strictObject({ engine: z.string(), reason: z.string() })).readonly(),
    groups: z.array(group).readonly(),
    estimate: z.looseObject({ wallMs: z.number(), costUsd: z.number() }),
  }),
  example: { source: 'archive', destination: 'mirror' },
  run: async (context, input, onItem: (object: z.infer<typeof planned>) => void) => {
    const { transfers, request, options } = await resolveSync(context, input)
    const items: z.infer<typeof planned>[] = []
    const { route, explanation } = await transfers.explain(request, options, (object) => {
      if (object.action === 'delete' && request.syncMode !== 'sync') return
      if (items.length < LISTED) items.push(object)
      onItem(object)
    })
    const { objects, unchanged, extra, bytes, groups, estimate } = explanation
    const { conditions: found, engines, unfit } = route
    const counts = { objectsPlanned: objects, objectsSkipped: unchanged, objectsExtra: extra, bytesPlanned: bytes }
    return { status: 'done', counts, result: { syncMode: request.syncMode, items, conditions: found, engines, unfit, groups, estimate } }
  },
})
