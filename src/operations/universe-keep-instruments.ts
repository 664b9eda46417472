import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { findSource } from '../sources/registry.ts'
import { operation } from './contract.ts'
import { instant, place } from './schemas.ts'
import { exchange } from './selection.ts'

export const universeKeepInstruments = operation({
  id: 'universe.keep-instruments',
  summary: 'Store an exchangeInfo answer of the exchange: it names symbols that the lake has no rows of',
  permission: 'write',
  input: z.strictObject({ exchange, file: place('read', 'a file with the unchanged answer of the exchange') }),
  result: z.strictObject({
    kept: z.strictObject({ exchange: z.string(), market: z.string(), takenAt: instant, symbols: z.number(), object: z.string() }),
  }),
  example: { file: 'exchange-info.json' },
  run: async (context, input) => {
    const { file } = input
    const source = findSource(input.exchange)
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new LakehouseError('EXCHANGE_INFO_INVALID', `cannot read ${file}: ${asLakehouseError(error).message}; check the path`, {
        details: { file },
      })
    })
    const lakehouse = await context.lakehouse()
    const kept = await lakehouse.withQuality(true, (quality) => quality.keepExchangeInfo(source.id, bytes, file))
    await lakehouse.withGold(true, (gold) => gold.updateUniverse())
    return { status: 'done', counts: { symbols: kept.symbols }, result: { kept } }
  },
})
