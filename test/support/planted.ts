import { join } from 'node:path'
import { DATASET_IDS, type DatasetId } from '../../src/datasets/registry.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import { BarMaker, klineLine } from '../../src/simulator/bars.ts'
import { Random } from '../../src/simulator/random.ts'
import { DAY_WRITERS, headerOf } from '../../src/simulator/records.ts'
import { MS_PER_DAY, TradeWalk } from '../../src/simulator/trades.ts'
import { printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import type { Market } from '../../src/sources/binance/markets.ts'
import { openLakehouse } from './lakehouse.ts'

/** A way to spoil one row of a clean day: what is done to its fields, and which rules must tell of it. Rules that come along with it by their nature are named too. */
type DefectClass = {
  readonly name: string
  readonly market: Market
  readonly type: DatasetId
  readonly expects: readonly string[]
  readonly along?: readonly string[]
  /** Changes the rows, which are the fields of the day, at row `at`; neighbours are there. */
  readonly plant: (rows: string[][], at: number, random: Random) => void
}

const set = (field: number, value: (old: number, row: string[]) => number | string) => (rows: string[][], at: number) => {
  const row = rows[at]
  if (row !== undefined) row[field] = String(value(Number(row[field]), row))
}
/** A millisecond before the row before. */
const older = (field: number) => (rows: string[][], at: number) => set(field, () => Number(rows[at - 1]?.[field]) - 1)(rows, at)
const remove = (rows: string[][], at: number) => void rows.splice(at, 1)
const fixed = (value: number) => value.toFixed(8)

const bars = (name: string, expects: readonly string[], plant: DefectClass['plant'], along: readonly string[] = []): DefectClass[] =>
  (['spot', 'um', 'cm'] as const).map((market) => ({ name, market, type: 'klines', expects, along, plant }))

const trades = (name: string, expects: readonly string[], plant: DefectClass['plant'], along: readonly string[] = []): DefectClass[] =>
  (['spot', 'um'] as const).map((market) => ({ name, market, type: 'trades', expects, along, plant }))

const of =
  (type: DatasetId, market: Market) =>
  (name: string, expects: readonly string[], plant: DefectClass['plant'], along: readonly string[] = []): DefectClass => ({
    name,
    market,
    type,
    expects,
    along,
    plant,
  })
const agg = of('aggTrades', 'um')
const funding = of('fundingRate', 'um')
const metrics = of('metrics', 'um')
const depth = of('bookDepth', 'um')
const ticker = of('bookTicker', 'um')

/** Every kind of defect that a rule for rows is to find. */
export const DEFECT_CLASSES: readonly DefectClass[] = [
  ...bars('a row is missing', ['gap'], remove),
  ...bars('three rows are missing', ['gap'], (rows, at) => void rows.splice(at, 3)),
  ...bars('a row stands twice', ['duplicate_rows'], (rows, at) => void rows.splice(at, 0, [...(rows[at] ?? [])])),
  ...bars('a row stands twice and differs', ['duplicate_rows', 'conflicting_duplicates'], (rows, at) => {
    const copy = [...(rows[at] ?? [])]
    copy[8] = String(Number(copy[8]) + 1)
    rows.splice(at + 1, 0, copy)
  }),
  ...bars(
    'a price with the wrong number of zeros',
    ['price_jump'],
    (rows, at) => {
      const row = rows[at] ?? []
      for (const field of [1, 2, 3, 4]) row[field] = fixed(Number(row[field]) * 1000)
    },
    ['average_price', 'price_spike', 'return_outlier', 'range_outlier', 'forest_outlier', 'zscore', 'iqr', 'isolation_forest'],
  ),
  ...bars(
    'a row of another day',
    ['other_days'],
    (rows, at) => {
      const row = rows[at] ?? []
      row[0] = String(Number(row[0]) - 10 * 86_400_000)
      row[6] = String(Number(row[6]) - 10 * 86_400_000)
    },
    ['gap', 'unsorted_file', 'truncated_file'],
  ),
  ...bars('the last hours are missing', ['truncated_file'], (rows) => void rows.splice(Math.floor(rows.length * 0.8))),
  ...bars('two rows have changed places', ['unsorted_file'], (rows, at) => void rows.splice(at, 2, rows[at + 1] ?? [], rows[at] ?? [])),
  ...bars(
    'the high is too low',
    ['ohlc'],
    set(2, (_, row) => fixed(Math.min(Number(row[1]), Number(row[4])) * 0.99)),
    ['average_price'],
  ),
  ...bars(
    'the low is too high',
    ['ohlc'],
    set(3, (_, row) => fixed(Math.max(Number(row[1]), Number(row[4])) * 1.01)),
    ['average_price'],
  ),
  ...bars(
    'the low is zero',
    ['price_positive'],
    set(3, () => '0.00000000'),
  ),
  ...bars(
    'the volume is negative',
    ['rejected_rows'],
    set(5, (old) => fixed(-Math.abs(old) - 1)),
    ['gap'],
  ),
  ...bars('takers bought more than was traded', ['taker_total'], (rows, at) => {
    const row = rows[at] ?? []
    row[9] = fixed(Number(row[5]) + 1)
  }),
  ...bars(
    'trades without volume',
    ['count_volume'],
    (rows, at) => {
      const row = rows[at] ?? []
      for (const field of [5, 7, 9, 10]) row[field] = '0'
      row[8] = '5'
    },
    ['zero_volume'],
  ),
  ...bars(
    'volume without trades',
    ['count_volume'],
    set(8, () => 0),
  ),
  ...bars(
    'it opens 14 seconds late',
    ['off_grid'],
    (rows, at) => {
      const row = rows[at] ?? []
      row[0] = String(Number(row[0]) + 14_000)
    },
    ['closing_time'],
  ),
  ...bars(
    'it closes early',
    ['closing_time'],
    set(6, (old) => old - 60_000),
  ),
  ...bars(
    'it closes before it opens',
    ['closing_time'],
    set(6, (old, row) => Number(row[0]) - 759_000 + 0 * old),
  ),
  ...bars(
    'what means nothing is not zero',
    ['unused_column'],
    set(11, () => '7.25'),
  ),
  ...bars(
    'six filler rows',
    ['flat_run'],
    (rows, at) => {
      const price = rows[at - 1]?.[4] ?? '1'
      for (const row of rows.slice(at, at + 6)) {
        row.splice(1, 5, price, price, price, price, '0')
        row.splice(7, 4, '0', '0', '0', '0')
      }
    },
    ['zero_volume'],
  ),
  ...bars(
    'a number is none',
    ['rejected_rows'],
    set(4, () => '1.70027E+'),
    ['gap'],
  ),
  ...bars('a field is missing', ['rejected_rows'], (rows, at) => void rows[at]?.pop(), ['gap']),
  ...(['spot', 'um'] as const).map(
    (market): DefectClass => ({
      name: 'what was paid does not fit the price',
      market,
      type: 'klines',
      expects: ['average_price'],
      along: ['taker_total'],
      plant: set(7, (old) => fixed(old * 1.5 + 1)),
    }),
  ),
  ...trades('a trade is missing', ['id_gap'], remove),
  ...trades('a trade stands twice', ['duplicate_rows'], (rows, at) => void rows.splice(at, 0, [...(rows[at] ?? [])])),
  ...trades('a trade is older than the one before', ['time_order'], older(4), ['unsorted_file']),
  ...trades('a trade of nothing', ['quantity_zero'], (rows, at) => {
    const row = rows[at] ?? []
    row[2] = '0'
    row[3] = '0'
  }),
  ...trades(
    'price × quantity is not what was paid',
    ['quote_quantity'],
    set(3, (old) => fixed(old * 1.01 + 0.1)),
  ),
  ...trades(
    'a price of zero',
    ['price_positive'],
    set(1, () => '0'),
    ['quote_quantity'],
  ),
  ...trades(
    'a side is none',
    ['rejected_rows'],
    set(5, () => 'maybe'),
    ['id_gap'],
  ),
  agg('an aggregate is missing', ['id_gap'], remove),
  agg(
    'the trades of an aggregate do not follow',
    ['trade_chain'],
    set(3, (old) => old + 1),
    [],
  ),
  agg(
    'the last trade comes before the first',
    ['trade_chain'],
    set(4, (old) => old - 1_000_000),
  ),
  agg('an aggregate is older than the one before', ['time_order'], older(5), ['unsorted_file']),
  agg(
    'an aggregate of nothing',
    ['quantity_zero'],
    set(2, () => '0'),
  ),
  funding('a funding is missing', ['funding_gap'], (rows) => void rows.splice(1, 1)),
  funding(
    'a funding is a minute late',
    ['funding_grid'],
    set(0, (old) => old + 60_000),
  ),
  funding(
    'a funding stands twice, some milliseconds apart',
    ['funding_twice'],
    (rows) => {
      const copy = [...(rows[1] ?? [])]
      copy[0] = String(Number(copy[0]) + 7)
      rows.splice(2, 0, copy)
    },
    ['funding_jitter'],
  ),
  funding('the interval was changed', ['funding_interval'], (rows) => set(1, () => 4)(rows, 2)),
  // The rows of a day begin in the middle of the file: neither the first nor the last of the day is taken.
  metrics('a row is missing', ['gap'], (rows, at) => remove(rows, Math.min(at, 150))),
  metrics('a row is off the grid', ['off_grid'], (rows, at) => {
    const row = rows[at] ?? []
    row[0] = (row[0] ?? '').replace(/:00$/, ':07')
  }),
  metrics(
    'a ratio is empty',
    ['value_empty'],
    set(5, () => '""'),
  ),
  metrics(
    'open interest is negative',
    ['rejected_rows'],
    set(2, () => '-1.5'),
    ['gap'],
  ),
  depth('less lies within the wider band', ['depth_monotone'], (rows, at) => {
    const row = rows[at - (at % 12)] ?? []
    row[2] = '0.00100000'
  }),
  depth('the depth is negative', ['rejected_rows'], (rows, at) => set(2, () => -1)(rows, at - (at % 12) + 5), ['gap']),
  ticker(
    'the book is crossed',
    ['book_crossed'],
    set(1, (_, row) => fixed(Number(row[3]) * 1.01)),
  ),
  ticker(
    'the bid is zero',
    ['price_positive'],
    set(1, () => '0'),
    ['spread_outlier'],
  ),
]

const START = Date.UTC(2024, 2, 5)

/** Rules that clean simulated days break by their nature: they are what the exchange publishes. */
const NATURAL: ReadonlySet<string> = new Set(['funding_jitter', 'zero_volume'])

export type PlantedResult = {
  readonly check: string
  /** Defects that it was to find, and found. */
  readonly planted: number
  readonly found: number
  /** Symbols in which it spoke without a reason. */
  readonly falseAlarms: number
}

/**
 * Writes an archive with one defect in each of many symbols and none in as many others, ingests and assesses it, and counts per rule what was found. The defects of class c in
 * round r are those of `seed`, c and r.
 */
export async function plantDefects(folder: string, seed: string, rounds: number): Promise<PlantedResult[]> {
  const archive = join(folder, 'archive')
  const expected = new Map<string, DefectClass | undefined>()
  for (const [index, planted] of DEFECT_CLASSES.entries())
    for (let round = 0; round < rounds; round++) {
      await writeDay(archive, `D${index}R${round}USDT`, planted, new Random(`${seed}:${index}:${round}`), true)
      await writeDay(archive, `C${index}R${round}USDT`, planted, new Random(`${seed}:clean:${index}:${round}`), false)
      expected.set(`D${index}R${round}USDT`, planted)
      expected.set(`C${index}R${round}USDT`, undefined)
    }
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive, nowMs: () => START + 2 * MS_PER_DAY })
  const everything = { types: DATASET_IDS, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(LAYERS) }
  await lakehouse.ingest({ ...everything, onProgress: () => {}, onNotice: () => {} })
  await lakehouse.withQuality(true, (quality) => quality.assess([]))
  const rows = await lakehouse.select('SELECT DISTINCT symbol, check_id FROM silver.findings')
  const seen = new Map<string, Set<string>>()
  for (const { symbol, check_id: check } of rows) seen.set(String(symbol), (seen.get(String(symbol)) ?? new Set()).add(String(check)))
  const results = new Map<string, { planted: number; found: number; falseAlarms: number }>()
  const of = (check: string) => {
    const known = results.get(check) ?? { planted: 0, found: 0, falseAlarms: 0 }
    results.set(check, known)
    return known
  }
  for (const [symbol, planted] of expected) {
    const told = seen.get(symbol) ?? new Set<string>()
    for (const check of planted?.expects ?? []) {
      of(check).planted++
      if (told.has(check)) of(check).found++
    }
    const allowed = new Set([...(planted?.expects ?? []), ...(planted?.along ?? []), ...NATURAL])
    for (const check of told)
      if (!allowed.has(check) && !(check === 'unsorted_file' && isUnsorted(symbol, DEFECT_CLASSES))) of(check).falseAlarms++
  }
  return [...results].map(([check, counts]) => ({ check, ...counts })).sort((a, b) => (a.check < b.check ? -1 : 1))
}

/** Files of metrics are never sorted. */
function isUnsorted(symbol: string, classes: readonly DefectClass[]): boolean {
  return classes[Number(/\d+/.exec(symbol)?.[0])]?.type === 'metrics'
}

async function writeDay(
  archive: string,
  symbol: string,
  { market, type, plant }: DefectClass,
  random: Random,
  spoiled: boolean,
): Promise<void> {
  const walk = new TradeWalk({ seed: `${symbol}:${random.integer(1e9)}`, market, symbol, tradesPerDay: 600 })
  const day = walk.next(START)
  const rows =
    type === 'klines'
      ? new BarMaker('1h').add(day, day.start + MS_PER_DAY).map((bar) => klineLine(bar, '1h', market, 1).split(','))
      : (DAY_WRITERS[type]?.(day, { market, symbol, random, unit: 1 }) ?? []).map((line) => line.split(','))
  // Between the first rows and the last, so that neighbours are there.
  const room = Math.max(1, rows.length - 12)
  if (spoiled) plant(rows, rows.length <= 3 ? 1 : 3 + random.integer(room), random)
  const header = headerOf(market, type, START)
  const csv = [...(header === undefined ? [] : [header]), ...rows.map((row) => row.join(','))].join('\n')
  const isBars = type === 'klines'
  const period = type === 'fundingRate' ? 'monthly' : 'daily'
  const date = period === 'monthly' ? '2024-03' : '2024-03-05'
  await writeObject(
    archive,
    printArchiveKey({ market, dataset: type, symbol, interval: isBars ? '1h' : undefined, period, date }),
    Buffer.from(`${csv}\n`),
    [],
  )
}
