import * as z from 'zod'
import { namePatterns } from '../core/patterns.ts'
import { discoverSymbols } from '../sources/archive/discover.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { archiveAt, resolveSelection, resolveTypes, selectionFields } from './selection.ts'

const listed = z.strictObject({ market: z.string(), type: z.string(), symbol: z.string() })

export const catalogSymbols = operation({
  id: 'catalog.symbols',
  summary: 'List the symbols of the archive by market and data type',
  permission: 'read',
  input: z.strictObject({ types: z.array(z.string()).default([]), ...selectionFields }),
  result: z.strictObject({
    items: z.array(listed),
    unparsed: z.array(z.string()).describe('folders of the archive whose names are not symbols'),
  }),
  example: { types: ['klines'], markets: [EXAMPLE.market] },
  run: async (context, input) => {
    const { exchange, markets, symbols } = resolveSelection(input, context.nowMs())
    const types = resolveTypes(input.types)
    const { matches } = namePatterns(symbols)
    const items: z.infer<typeof listed>[] = []
    const unparsed: string[] = []
    const lakehouse = await context.lakehouse(archiveAt(input.archive))
    await lakehouse.withArchive(exchange, async (archive) => {
      for (const { market, dataset } of archive.source.offers) {
        if (!types.includes(dataset) || (markets.length > 0 && !markets.includes(market))) continue
        const found = await discoverSymbols(archive, market, dataset)
        unparsed.push(...found.unparsed)
        for (const symbol of found.symbols.filter(matches)) items.push({ market, type: dataset, symbol })
      }
    })
    return { status: 'done', counts: { items: items.length }, result: { items, unparsed } }
  },
})
