import * as z from 'zod'
import { EXPORTERS } from '../gold/exporters/registry.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { requireSymbols } from './rows.ts'
import { place, table } from './schemas.ts'
import { rangeFields, resolveRange } from './selection.ts'

export const folder = place('write', 'the folder to write the files to')

export const exportBars = operation({
  id: 'export.bars',
  summary: 'Write the bars of a table in the format of another tool',
  permission: 'read',
  input: z.strictObject({
    table,
    tool: z.enum(EXPORTERS.map(({ id }) => id)),
    output: folder,
    symbols: z.string().optional().describe('symbols; * and ? are wildcards; default: all'),
    ...rangeFields,
  }),
  result: z.strictObject({ output: z.string(), items: z.array(z.string()).describe('paths of the written files') }),
  example: { table: EXAMPLE.minutes, tool: 'freqtrade', output: 'bars', symbols: EXAMPLE.symbol },
  run: async (context, { table: source, tool, output, symbols, ...rest }) => {
    const range = resolveRange(rest, context.nowMs())
    if (symbols !== undefined) await requireSymbols(context, source, symbols)
    const lakehouse = await context.lakehouse()
    const items = await lakehouse.withGold(false, (gold) => gold.exportBars(source, tool, output, { symbols: symbols ?? '*', range }))
    return { status: 'done', counts: { files: items.length }, result: { output, items } }
  },
})
