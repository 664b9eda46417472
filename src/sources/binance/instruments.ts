import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { PLAUSIBLE_TIME } from '../../core/time.ts'
import type { InstrumentsAnswer } from '../contract.ts'
import type { Market } from './markets.ts'

const milliseconds = z
  .number()
  .int()
  .min(PLAUSIBLE_TIME.start / 1000)

/** The exchange gives perpetual contracts a delivery date at the end of the year 2100. */
const plausible = milliseconds.max(PLAUSIBLE_TIME.end / 1000 - 1)

const symbolInfo = z.object({
  symbol: z.string().min(1),
  status: z.string().optional(),
  contractStatus: z.string().optional(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  onboardDate: plausible.optional(),
  deliveryDate: milliseconds.optional(),
  contractSize: z.number().positive().optional(),
})

const exchangeInfo = z.object({
  serverTime: plausible,
  futuresType: z.string().optional(),
  symbols: z.array(symbolInfo).min(1),
})

/** Answers to exchangeInfo of spot, um and cm. The content of an answer shows its market. */
export const instruments = { trading: 'TRADING', parse }

function parse(bytes: Uint8Array, name: string): InstrumentsAnswer {
  const { serverTime, futuresType, symbols } = parseExchangeInfo(bytes, name)
  const isCoin = symbols.some((one) => one.contractSize !== undefined)
  const market: Market = isCoin ? 'cm' : futuresType === 'U_MARGINED' ? 'um' : 'spot'
  const us = (ms: number | undefined) => (ms === undefined ? undefined : ms * 1000)
  return {
    market,
    takenAt: serverTime * 1000,
    instruments: symbols.map((one) => ({
      symbol: one.symbol,
      status: one.status ?? one.contractStatus ?? '',
      base: one.baseAsset,
      quote: one.quoteAsset,
      onboardAt: us(one.onboardDate),
      deliveryAt: us(one.deliveryDate),
      contractSize: one.contractSize,
    })),
  }
}

function parseExchangeInfo(bytes: Uint8Array, name: string): z.infer<typeof exchangeInfo> {
  try {
    return exchangeInfo.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).split('\n').slice(0, 2).join(' ') : asLakehouseError(error).message
    throw new LakehouseError(
      'EXCHANGE_INFO_INVALID',
      `${name} is not an answer to exchangeInfo: ${why.slice(0, 300)}; fetch it from the REST interface of Binance`,
      { details: { name } },
    )
  }
}
