import * as z from 'zod'
import { findMarket, findSource } from '../sources/registry.ts'
import { operation } from './contract.ts'
import { exchange, resolveTypes } from './selection.ts'

const periods = z.array(z.string()).readonly().nullable()

export const catalogMatrix = operation({
  id: 'catalog.matrix',
  summary: 'List the data types of each market of an exchange, with their first date and kinds of files',
  permission: 'read',
  input: z.strictObject({ exchange, markets: z.array(z.string()).default([]), types: z.array(z.string()).default([]) }),
  result: z.strictObject({
    items: z.array(
      z.strictObject({
        market: z.string(),
        type: z.string(),
        daily: periods,
        monthly: periods,
        firstDate: z.string(),
        discontinued: z.string().nullable(),
        header: z.string(),
        timeUnit: z.string(),
        columns: z.array(z.string()),
        quirks: z.array(z.string()).readonly(),
      }),
    ),
  }),
  example: { markets: ['spot'] },
  run: async (_context, input) => {
    const source = findSource(input.exchange)
    for (const market of input.markets) findMarket(source, market)
    const types = resolveTypes(input.types)
    const offers = source.offers.filter(
      ({ dataset, market }) => types.includes(dataset) && (input.markets.length === 0 || input.markets.includes(market)),
    )
    const items = offers.map(({ market, dataset, archive }) => ({
      market,
      type: dataset,
      daily: archive.periods.daily ?? null,
      monthly: archive.periods.monthly ?? null,
      firstDate: archive.firstDate,
      discontinued: archive.discontinued ?? null,
      header: archive.header,
      timeUnit: archive.timeUnit,
      columns: source.archive.format(dataset, market).columns.flatMap(({ headers }) => headers.slice(0, 1)),
      quirks: archive.quirks,
    }))
    return { status: 'done', counts: { items: items.length }, result: { items } }
  },
})
