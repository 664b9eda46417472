import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatDay, formatMonth } from '../src/core/time.ts'
import { writeObject } from '../src/simulator/archive.ts'
import { Random } from '../src/simulator/random.ts'

const HEADER = 'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore'
const NAMES =
  'BTC ETH BNB SOL XRP DOGE ADA AVAX LINK DOT LTC TRX NEAR APT ARB FIL ATOM ETC OP INJ UNI AAVE SUI SEI TIA PEPE WIF BONK FET RUNE'.split(
    ' ',
  )
const MINUTE = 60_000
const DAY = 1440 * MINUTE

export type Workload = { readonly name: string; readonly symbols: number; readonly days: number; readonly period: 'daily' | 'monthly' }

/** The workloads: a thousand daily files, and a month of thirty symbols. Each has about 1.4 M rows and 158 MB of CSV. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'small', symbols: 10, days: 100, period: 'daily' },
  { name: 'months', symbols: 30, days: 31, period: 'monthly' },
]

/** Writes the um klines of a workload once. Rows are a random walk with as many digits as real klines. */
export async function prepareArchive(cache: string, workload: Workload): Promise<string> {
  const directory = join(cache, `archive-${workload.name}`)
  if (existsSync(join(directory, 'complete'))) return directory
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const start = Date.UTC(2024, 0, 1)
  for (const name of NAMES.slice(0, workload.symbols)) {
    const symbol = `${name}USDT`
    const random = new Random(`bench:${symbol}`)
    const walk = { price: 500 + random.integer(5_000_000) }
    let month: string[] = []
    for (let n = 0; n < workload.days; n++) {
      const lines = dayLines(random, walk, start + n * DAY)
      const us = (start + n * DAY) * 1000
      if (workload.period === 'daily') await write(directory, symbol, 'daily', formatDay(us), lines)
      else {
        month.push(...lines)
        if (formatMonth(us) !== formatMonth(us + DAY * 1000)) {
          await write(directory, symbol, 'monthly', formatMonth(us), month)
          month = []
        }
      }
    }
  }
  await writeFile(join(directory, 'complete'), '')
  return directory
}

async function write(directory: string, symbol: string, period: string, date: string, lines: readonly string[]): Promise<void> {
  const key = `data/futures/um/${period}/klines/${symbol}/1m/${symbol}-1m-${date}.zip`
  await writeObject(directory, key, Buffer.from(`${HEADER}\n${lines.join('\n')}\n`), [])
}

function dayLines(random: Random, walk: { price: number }, start: number): string[] {
  return Array.from({ length: 1440 }, (_, minute) => {
    const open = walk.price
    const move = Math.floor(open / 2000) + 2
    const close = Math.max(100, open + Math.round(random.normal() * move))
    const high = Math.max(open, close) + random.integer(move)
    const low = Math.max(1, Math.min(open, close) - random.integer(move))
    const volume = Math.floor(Math.exp(10.5 + 1.1 * random.normal()))
    const taker = random.integer(volume + 1)
    const mean = (open + high + low + close) / 4
    walk.price = close
    const prices = [open, high, low, close].map((price) => (price / 100).toFixed(2))
    const time = start + minute * MINUTE
    const amounts = [(volume / 1000).toFixed(3), time + MINUTE - 1, ((volume * mean) / 1e5).toFixed(5), Math.floor(volume / 40) + 1]
    return [time, ...prices, ...amounts, (taker / 1000).toFixed(3), ((taker * mean) / 1e5).toFixed(5), 0].join(',')
  })
}
