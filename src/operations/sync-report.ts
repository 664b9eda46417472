import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { localStore } from '../storage/local.ts'
import { operation } from './contract.ts'
import { efficiency } from './transfer-schemas.ts'

const report = z.looseObject({
  run: z.string(),
  startedAt: z.string(),
  source: z.string(),
  destination: z.string(),
  counts: z.record(z.string(), z.number()),
  engines: z.record(z.string(), z.number()),
  efficiency,
})

export const syncReport = operation({
  id: 'sync.report',
  summary: 'Show the report of a finished transfer, by default of the last one',
  permission: 'read',
  input: z.strictObject({ run: z.string().optional() }),
  result: report.omit({ counts: true }).extend({ objects: z.string().describe('address of the file that lists every object') }),
  example: {},
  run: async (context, { run: wanted }) => {
    const state = localStore(context.loaded().config.sync.state)
    const runs: { run: string; key: string }[] = []
    for await (const { key } of state.list('')) {
      const run = /\/runs\/([^/]+)\.json$/.exec(key)?.[1]
      if (run !== undefined) runs.push({ run, key })
    }
    runs.sort((a, b) => (a.run < b.run ? -1 : 1))
    const last = runs.at(-1)
    const found = wanted === undefined ? last : runs.find(({ run }) => run === wanted)
    if (found === undefined) {
      const what =
        wanted === undefined
          ? 'no transfer has finished on this machine yet: run crypto-lakehouse sync first'
          : `there is no report of run ${wanted}: the last run is ${last?.run ?? 'none'}`
      throw new LakehouseError('USAGE', what)
    }
    const { counts, ...rest } = report.parse(JSON.parse(Buffer.from(await state.get(found.key)).toString('utf8')))
    return { status: 'done', counts, result: { ...rest, objects: `${state.url}/${found.key.replace(/json$/, 'ndjson')}` } }
  },
})
