import * as z from 'zod'
import { operation } from './contract.ts'
import { resolveSync, syncFields } from './sync-request.ts'
import { conditions, efficiency } from './transfer-schemas.ts'

export const sync = operation({
  id: 'sync',
  summary: 'Copy objects from one store to another, on the server side where possible',
  permission: 'write',
  input: z.strictObject(syncFields),
  result: z.strictObject({
    run: z.string(),
    engines: z.record(z.string(), z.number()).describe('number of objects by engine'),
    requests: z.record(z.string(), z.number()).readonly(),
    efficiency,
    conditions,
  }),
  example: { source: 'archive', destination: 'mirror' },
  run: async (context, input) => {
    const { transfers, request, options } = await resolveSync(context, input)
    const { counts, findings, errors, route, run, engines, ...found } = await transfers.sync(request, options)
    const status = errors.length > 0 ? 'failed' : findings.length > 0 ? 'done_with_findings' : 'done'
    const { requests } = found.efficiency
    const result = { run, engines: { ...engines }, requests, efficiency: found.efficiency, conditions: route.conditions }
    return { status, counts, findings, errors, result }
  },
})
