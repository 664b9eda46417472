import { createHash } from 'node:crypto'
import { cpSync, symlinkSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { zipOne } from '../../src/platform/zip-writer.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A copy of the sources to which an exchange was added as docs/adding-an-exchange.md says: its folder, and a line in the registry. Returns the entry point. */
export async function withSecondExchange(folder: string): Promise<string> {
  for (const name of ['src', 'package.json']) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  cpSync(join(import.meta.dirname, '../second-exchange/src'), join(folder, 'src'), { recursive: true })
  const registry = join(folder, 'src/sources/registry.ts')
  const before = await readFile(registry, 'utf8')
  const after = before.replace('] as const satisfies readonly Source[]', ', tiny] as const satisfies readonly Source[]')
  if (after === before) throw new Error('the registry has no place for another exchange')
  await writeFile(registry, `import { tiny } from './tiny/index.ts'\n${after}`)
  return join(folder, 'src/cli/main.ts')
}

const MINUTE = 60_000
const DAY = 1440 * MINUTE

const FIRST_DAY = Date.UTC(2024, 0, 1)

type Trade = { readonly id: number; readonly ms: number; readonly price: number; readonly amount: number; readonly maker: boolean }

/** One trade every ten seconds, none in `quiet` (ms since the beginning). */
function tradesOf(days: number, quiet: readonly [from: number, to: number]): Trade[] {
  const trades: Trade[] = []
  for (let at = 0; at < days * DAY; at += 10_000) {
    if (at >= quiet[0] && at < quiet[1]) continue
    const id = trades.length + 1
    trades.push({ id, ms: FIRST_DAY + at, price: 100 + (id % 40) / 4, amount: 1 + (id % 7), maker: id % 3 === 0 })
  }
  return trades
}

/** The worth of a trade: in dollars, or in coins of contracts of 100 dollars; eighths and powers of two are exact in decimals. */
function worthOf(market: string, { price, amount }: Trade): number {
  return market === 'cash' ? price * amount : Math.round(((amount * 100) / price) * 1e8) / 1e8
}

function sum(market: string, trades: readonly Trade[], of: (trade: Trade) => number): string {
  const scale = market === 'cash' ? 1e2 : 1e8
  return String(trades.reduce((total, trade) => total + Math.round(of(trade) * scale), 0) / scale)
}

const HEADER = 'begin,end,open,close,high,low,trades,amount,value,bought,bought_value'

function barLines(market: string, trades: readonly Trade[], lengthMs: number): string[] {
  const lines = [HEADER]
  for (const [start, inside] of Map.groupBy(trades, ({ ms }) => Math.floor(ms / lengthMs) * lengthMs)) {
    const prices = inside.map(({ price }) => price)
    const taken = inside.filter(({ maker }) => !maker)
    const worth = (trade: Trade) => worthOf(market, trade)
    const fields = [
      start * 1000,
      (start + lengthMs) * 1000 - 1,
      prices[0],
      prices.at(-1),
      Math.max(...prices),
      Math.min(...prices),
      inside.length,
      sum(market, inside, ({ amount }) => amount),
      sum(market, inside, worth),
      sum(market, taken, ({ amount }) => amount),
      sum(market, taken, worth),
    ]
    lines.push(fields.join(','))
  }
  return lines
}

/** Writes the archive of the exchange: `days` days of minutes, hours and trades of one symbol in both markets; half an hour of the second day without a trade. Returns how many rows and files. */
export async function writeSecondArchive(directory: string, days: number): Promise<{ rows: number; files: number }> {
  const [outage, past] = [DAY + 610 * MINUTE, DAY + 640 * MINUTE]
  let [rows, files] = [0, 0]
  const put = async (key: string, lines: readonly string[]) => {
    const zip = zipOne('data.csv', Buffer.from(`${lines.join('\n')}\n`))
    await mkdir(dirname(join(directory, key)), { recursive: true })
    await writeFile(join(directory, key), zip)
    await writeFile(join(directory, `${key}.sha256`), createHash('sha256').update(zip).digest('hex'))
    rows += lines.filter((line) => line !== HEADER).length
    files++
  }
  for (const [market, symbol] of [
    ['cash', 'BTC-USD'],
    ['swap', 'BTC-USD-SWAP'],
  ] as const) {
    const trades = tradesOf(days, [outage, past])
    for (let day = 0; day < days; day++) {
      const date = new Date(FIRST_DAY + day * DAY).toISOString().slice(0, 10)
      const inDay = trades.filter(({ ms }) => Math.floor((ms - FIRST_DAY) / DAY) === day)
      for (const [interval, length] of Object.entries({ '1m': MINUTE, '1h': 60 * MINUTE }))
        await put(`exports/${market}/candles/day/${symbol}/${interval}/${date}.zip`, barLines(market, inDay, length))
      const lines = inDay.map((one) => [one.id, one.ms, one.price, one.amount, worthOf(market, one), one.maker].join(','))
      await put(`exports/${market}/trades/day/${symbol}/${date}.zip`, lines)
    }
  }
  return { rows, files }
}
