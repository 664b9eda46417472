import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readDoubles } from '../../platform/duckdb/read-doubles.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { marketOf, sourceOf, tradedNames } from '../../sources/series.ts'
import type { Exporter } from './exporter.ts'

export const freqtrade = {
  id: 'freqtrade',
  meaning: 'freqtrade: feather files for its data folder: BTC_USDT-1h.feather; for futures futures/BTC_USDT_USDT-1h-futures.feather',
  async write({ session, rows, market, interval, folder }, symbol) {
    // Load this module only here: otherwise it would double the time of every start.
    const arrow = await import('apache-arrow')
    const { amount } = tradedNames(market)
    const result = await session.stream(
      `SELECT epoch_ms(open_time)::DOUBLE, open, high, low, close, ${amount}::DOUBLE FROM (${rows}) WHERE symbol = ${quote(symbol)} ORDER BY open_time`,
    )
    const parts: Float64Array[][] = Array.from({ length: 6 }, () => [])
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
      for (const [index, column] of parts.entries()) {
        const values = new Float64Array(chunk.rowCount)
        readDoubles(chunk, index, values, 0)
        column.push(values)
      }
    const [dates, ...prices] = parts.map(joined)
    const instants = arrow.makeVector(
      arrow.makeData({ type: new arrow.TimestampMillisecond('UTC'), data: BigInt64Array.from(dates ?? [], (ms) => BigInt(ms)) }),
    )
    const named = ['open', 'high', 'low', 'close', 'volume'].map(
      (name, index) => [name, arrow.makeVector(prices[index] ?? new Float64Array())] as const,
    )
    const table = new arrow.Table({ date: instants, ...Object.fromEntries(named) } as Record<string, import('apache-arrow').Vector>)
    const { base: plain, quote: asset, contractType, expiry } = sourceOf(market).symbols.split(market.market, symbol)
    // 1000SHIB and 1MBABYDOGE are names of their own, and a contract that expires or was settled is not the perpetual contract.
    const base = symbol.slice(0, symbol.indexOf(plain) + plain.length)
    const settled = symbol.slice(base.length + asset.length)
    const suffix = contractType === 'delivery' ? `-${expiry ?? ''}` : contractType === 'settled' ? `_${settled}` : ''
    const timeframe = interval === '1mo' ? '1M' : interval
    const { kind } = marketOf(market)
    const file =
      kind === 'spot'
        ? `${base}_${asset}-${timeframe}.feather`
        : join('futures', `${base}_${asset}_${kind === 'inverse' ? base : asset}${suffix}-${timeframe}-futures.feather`)
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), arrow.tableToIPC(table, 'file'))
    return [file]
  },
} as const satisfies Exporter

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
