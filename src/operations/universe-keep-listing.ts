import * as z from 'zod'
import { type ListedSymbol, listedStretches } from '../sources/archive/listed-stretches.ts'
import { findMarket, findSource } from '../sources/registry.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { archiveAt, exchange, selectionFields } from './selection.ts'

export const universeKeepListing = operation({
  id: 'universe.keep-listing',
  summary: 'Store the listing of the archive: every symbol with the days of its files',
  permission: 'write',
  input: z.strictObject({ archive: selectionFields.archive, exchange, markets: selectionFields.markets }),
  result: z.strictObject({ items: z.array(z.strictObject({ market: z.string(), symbols: z.number() })) }),
  example: { markets: [EXAMPLE.market] },
  run: async (context, input) => {
    const source = findSource(input.exchange)
    for (const market of input.markets) findMarket(source, market)
    const lakehouse = await context.lakehouse(archiveAt(input.archive))
    const options = { nowUs: context.nowMs() * 1000, signal: context.signal }
    const items: { market: string; symbols: number }[] = []
    await lakehouse.withArchive(source.id, async (archive) => {
      for (const market of input.markets.length === 0 ? Object.keys(source.markets) : input.markets) {
        const symbols: ListedSymbol[] = []
        for await (const one of listedStretches(archive, market, options)) symbols.push(one)
        if (symbols.length > 0) await lakehouse.withQuality(true, (quality) => quality.keepListing(source.id, market, symbols))
        items.push({ market, symbols: symbols.length })
      }
    })
    await lakehouse.withGold(true, (gold) => gold.updateUniverse())
    return { status: 'done', counts: { symbols: items.reduce((sum, one) => sum + one.symbols, 0) }, result: { items } }
  },
})
