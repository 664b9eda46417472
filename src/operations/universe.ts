import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { parseInstant } from '../core/time.ts'
import { CONTRACT_TYPES } from '../sources/contract.ts'
import { findMarket, findSource, MARKET_IDS } from '../sources/registry.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { instant } from './schemas.ts'

const listing = z.strictObject({
  exchange: z.string(),
  market: z.string(),
  symbol: z.string(),
  listing: z.number().describe('number of the listing, from 1; a relisted ticker has several'),
  base: z.string(),
  quote: z.string(),
  contractType: z.enum(CONTRACT_TYPES),
  expiry: z.string().nullable(),
  multiplier: z.number(),
  isLeveraged: z.boolean(),
  isStablePair: z.boolean(),
  contractSize: z.number().nullable(),
  firstSeen: instant,
  lastSeen: instant,
  status: z.enum(['trading', 'ended']),
})

export const universe = operation({
  id: 'universe',
  summary: 'List the symbols that existed at a time, including delisted ones',
  permission: 'read',
  input: z.strictObject({
    at: z.string().optional().describe('a date or instant; default: symbols of any time'),
    exchange: z.string().optional().describe('default: every exchange'),
    markets: z.array(z.string()).default([]),
    quotes: z.array(z.string()).default([]).describe('quote assets: USDT, USDC …'),
    contractTypes: z.array(z.enum(CONTRACT_TYPES)).default([]),
    plain: z.boolean().default(false).describe('exclude leveraged tokens and pairs of two stable coins'),
  }),
  result: z.strictObject({ items: z.array(listing) }),
  example: { at: '2024-01-03', markets: [EXAMPLE.market] },
  run: async (context, { at: date, exchange, markets, ...rest }) => {
    const at = date === undefined ? undefined : parseInstant(date)
    if (date !== undefined && at === undefined)
      throw new LakehouseError('USAGE', `at "${date}" is not a date: write YYYY-MM-DD or ISO 8601`, { details: { at: date } })
    const source = exchange === undefined ? undefined : findSource(exchange)
    for (const market of markets)
      if (source !== undefined) findMarket(source, market)
      else if (!MARKET_IDS.includes(market))
        throw new LakehouseError('USAGE', `unknown market "${market}": write one of ${MARKET_IDS.join(', ')}`, { details: { market } })
    const filter = { at, exchanges: source === undefined ? [] : [source.id], markets, ...rest }
    const items = await (await context.lakehouse()).withQuality(false, (quality) => quality.universe(filter))
    return { status: 'done', counts: { symbols: items.length }, result: { items } }
  },
})
