import * as z from 'zod'
import { type Finding, wholeFinding } from '../core/finding.ts'
import type { Difference } from '../transfer/verify.ts'
import { operation } from './contract.ts'
import { filterFields, resolveFilter } from './key-filter.ts'
import { place } from './schemas.ts'

/** At most this many differences are listed; all are counted. */
const LISTED = 1000

export const verify = operation({
  id: 'verify',
  summary: 'Compare a destination with its source, whatever tool copied it',
  permission: 'read',
  input: z.strictObject({
    source: place('read', 'a store, or an exchange'),
    destination: place('read', 'a store'),
    ...filterFields,
    full: z.boolean().default(false).describe('read every object on both sides and compare SHA-256'),
    oneWay: z.boolean().default(false).describe('ignore objects that only the destination has'),
  }),
  result: z.strictObject({
    items: z.array(z.strictObject({ key: z.string(), difference: z.enum(['missing', 'different', 'extra']), explanation: z.string() })),
  }),
  example: { source: 'archive', destination: 'mirror' },
  run: async (context, input) => {
    const { source, destination, exchange, full, oneWay } = input
    const items: Difference[] = []
    const transfers = await context.transfers()
    const counts = await transfers.verify(
      {
        ...resolveFilter(input, context.nowMs()),
        full,
        parallel: transfers.config.sync.listParallel,
        onDifference: (one) => void (items.length < LISTED && !(oneWay && one.difference === 'extra') && items.push(one)),
        onRestart: () => {
          items.length = 0
        },
      },
      {
        ...{ source, destination, exchange },
        bytesPerSecond: undefined,
        requestsPerSecond: undefined,
        drain: context.drain,
        onProgress: context.onTransfer,
        onNotice: context.notice,
      },
    )
    const wrong = counts.objectsMissing + counts.objectsDifferent + (oneWay ? 0 : counts.objectsExtra)
    const findings = items.map((one) => toFinding(one, destination))
    return { status: wrong === 0 ? 'done' : 'done_with_findings', counts, findings, result: { items } }
  },
})

function toFinding({ key, difference, explanation }: Difference, destination: string): Finding {
  const severity = difference === 'extra' ? 'warning' : 'error'
  return wholeFinding(destination, difference, severity, 1, `${key}: ${explanation}`)
}
