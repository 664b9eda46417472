import { createHash } from 'node:crypto'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Interval } from '../core/interval.ts'
import { formatDay, formatMonth, startOfMonth } from '../core/time.ts'
import type { DatasetId } from '../datasets/registry.ts'
import { zipOne } from '../platform/zip-writer.ts'
import { printArchiveKey } from '../sources/binance/archive/archive-key.ts'
import type { Market } from '../sources/binance/markets.ts'
import { findOffer } from '../sources/binance/offers.ts'
import type { ArchiveFile } from '../sources/contract.ts'
import { type Bar, BarMaker, klineLine } from './bars.ts'
import { applyDefect, type Defect, type FileParts } from './defects.ts'
import { Random } from './random.ts'
import { DAY_WRITERS, headerOf, plainWriter, timeUnit } from './records.ts'
import { fixed, MS_PER_DAY, type TradeDay, TradeWalk } from './trades.ts'

type SimulatedSeries = {
  readonly market: Market
  readonly symbol: string
  readonly types: readonly DatasetId[]
  readonly intervals: readonly Interval[]
}

type FileSeries = { readonly market: Market; readonly dataset: DatasetId; readonly symbol: string; readonly interval: Interval | undefined }

type SimulatedFile = FileSeries & Pick<ArchiveFile, 'period' | 'date'>

export type SimulatedArchive = {
  readonly seed: string
  readonly series: readonly SimulatedSeries[]
  /** The start of the first day, ms. */
  readonly start: number
  readonly days: number
  readonly tradesPerDay: number
  /** The periods of the files. A month that the days do not fill gets no monthly file. */
  readonly periods: readonly ('daily' | 'monthly')[]
  /** The defects of single files, by key. */
  readonly defects?: ReadonlyMap<string, readonly Defect[]>
}

const BAR_TYPES: readonly DatasetId[] = ['klines', 'markPriceKlines', 'indexPriceKlines', 'premiumIndexKlines']

/** Writes the archive into a directory, below data/. Returns the keys of the data files in the order of writing. */
export async function writeArchive(directory: string, archive: SimulatedArchive): Promise<string[]> {
  const keys: string[] = []
  for (const series of archive.series) {
    const writer = new SeriesWriter(directory, archive, series)
    keys.push(...(await writer.write()))
  }
  return keys
}

class SeriesWriter {
  readonly #directory: string
  readonly #archive: SimulatedArchive
  readonly #series: SimulatedSeries
  readonly #months = new Map<string, { file: SimulatedFile; start: number; lines: string[][] }>()
  readonly #keys: string[] = []

  constructor(directory: string, archive: SimulatedArchive, series: SimulatedSeries) {
    this.#directory = directory
    this.#archive = archive
    this.#series = series
  }

  async write(): Promise<string[]> {
    const { seed, start, days, tradesPerDay } = this.#archive
    const { market, symbol, types, intervals } = this.#series
    const walk = new TradeWalk({ seed, market, symbol, tradesPerDay })
    const makers = types.some((type) => BAR_TYPES.includes(type))
      ? intervals.map((interval) => ({ interval, maker: new BarMaker(interval) }))
      : []
    for (let n = 0; n < days; n++) {
      const day = walk.next(start + n * MS_PER_DAY)
      for (const { interval, maker } of makers) await this.#addBars(day, interval, maker.add(day, day.start + MS_PER_DAY))
      for (const type of types) await this.#addRecords(type, day)
      if (formatMonth(day.start * 1000) !== formatMonth((day.start + MS_PER_DAY) * 1000)) await this.#writeMonths()
    }
    return this.#keys
  }

  async #addBars(day: TradeDay, interval: Interval, bars: readonly Bar[]): Promise<void> {
    const { market, symbol, types } = this.#series
    for (const type of types.filter((candidate) => BAR_TYPES.includes(candidate))) {
      const lines = bars.map((bar) => barLine(type, bar, interval, market))
      await this.#add({ market, dataset: type, symbol, interval }, day.start, lines)
    }
  }

  async #addRecords(type: DatasetId, day: TradeDay): Promise<void> {
    if (BAR_TYPES.includes(type)) return
    const write = DAY_WRITERS[type] ?? plainWriter(type)
    const { market, symbol } = this.#series
    const random = new Random(`${this.#archive.seed}:${type}:${market}:${symbol}:${day.start}`)
    await this.#add(
      { market, dataset: type, symbol, interval: undefined },
      day.start,
      write(day, { market, symbol, random, unit: timeUnit(market, day.start) }),
    )
  }

  async #add(series: FileSeries, start: number, lines: string[]): Promise<void> {
    const periods = findOffer(series.market, series.dataset)?.archive.periods ?? {}
    const has = (period: 'daily' | 'monthly') => {
      const found = periods[period]
      return (
        this.#archive.periods.includes(period) && found !== undefined && (series.interval === undefined || found.includes(series.interval))
      )
    }
    if (has('daily') && lines.length > 0) await this.#writeFile({ ...series, period: 'daily', date: formatDay(start * 1000) }, start, lines)
    if (!has('monthly')) return
    const file: SimulatedFile = { ...series, period: 'monthly', date: formatMonth(start * 1000) }
    const key = printArchiveKey(file)
    const month = this.#months.get(key)
    if (month !== undefined) month.lines.push(lines)
    else if (start * 1000 === startOfMonth(start * 1000)) this.#months.set(key, { file, start, lines: [lines] })
  }

  async #writeMonths(): Promise<void> {
    for (const { file, start, lines } of this.#months.values()) await this.#writeFile(file, start, lines.flat())
    this.#months.clear()
  }

  async #writeFile(file: SimulatedFile, start: number, lines: readonly string[]): Promise<void> {
    const key = printArchiveKey(file)
    const header = headerOf(file.market, file.dataset, start)
    const csv = Buffer.from(`${[...(header === undefined ? [] : [header]), ...lines].join('\n')}\n`)
    const defects = this.#archive.defects?.get(key) ?? []
    await writeObject(this.#directory, key, csv, defects)
    this.#keys.push(key)
  }
}

/** Writes one data file and its CHECKSUM like the exchange, with the given defects. Times are fixed, so that equal archives have equal bytes. */
export async function writeObject(directory: string, key: string, csv: Buffer, defects: readonly Defect[]): Promise<void> {
  const stem = key.slice(key.lastIndexOf('/') + 1, -'.zip'.length)
  const made = defects.reduce((files, defect) => applyDefect(files, defect), { csv, zip: undefined, checksum: undefined } as FileParts)
  const zip = made.zip ?? zipOne(`${stem}.csv`, made.csv)
  const digest = createHash('sha256').update(zip).digest('hex')
  const path = join(directory, key)
  await mkdir(dirname(path), { recursive: true })
  await writeDated(path, zip)
  if (made.checksum !== null) await writeDated(`${path}.CHECKSUM`, Buffer.from(made.checksum ?? `${digest}  ${stem}.zip\n`))
}

const PUBLISHED = new Date(Date.UTC(2026, 0, 1))

async function writeDated(path: string, bytes: Buffer): Promise<void> {
  await writeFile(path, bytes)
  await utimes(path, PUBLISHED, PUBLISHED)
}

function barLine(type: DatasetId, bar: Bar, interval: Interval, market: Market): string {
  const unit = timeUnit(market, bar.start)
  if (type === 'klines') return klineLine(bar, interval, market, unit)
  const silent = { ...bar, amount: 0, value: 0, takerAmount: 0, takerValue: 0 }
  const [start, , , , , , end] = klineLine(silent, interval, market, unit).split(',')
  const price = priceOf(type)
  // The premium falls when the price rises, so its high belongs to the lowest price.
  const [high, low] = type === 'premiumIndexKlines' ? [bar.low, bar.high] : [bar.high, bar.low]
  return [start, price(bar.open), price(high), price(low), price(bar.close), 0, end, 0, bar.count, 0, 0, 0].join(',')
}

function priceOf(type: DatasetId): (ticks: number) => string {
  if (type === 'premiumIndexKlines') return (ticks) => fixed(Math.round(1e8 / ticks), 8, 8)
  return (ticks) => fixed(type === 'markPriceKlines' ? ticks + 1 : ticks, 2, 8)
}
