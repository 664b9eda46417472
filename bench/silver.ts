import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeArchive } from '../src/simulator/archive.ts'
import { type Contender, type Measure, measureOnce, ours, peer, printMeasures } from './decode.ts'

const ROUNDS = 3

/** Large files: a day of um trades and a day of aggregated trades, about 1.4 M rows each. */
const DAYS = [
  { type: 'aggTrades', number: 'agg_trade_id', tradesPerDay: 1_500_000 },
  { type: 'trades', number: 'id', tradesPerDay: 1_400_000 },
] as const

/** Small files of several types: ten days of twenty symbols. */
const MIXED = ['klines', 'trades', 'aggTrades', 'metrics', 'bookDepth'] as const

/** The row rules alone, and everything that `quality` does. */
const CHECKS = ['rules', 'quality'] as const

/** Measures the contenders in several rounds over one archive, and the checks over the tables that ours builds from it. */
async function measureAll(cache: string, name: string, title: string, contenders: readonly Contender[]): Promise<void> {
  const [archive, bronze, silver] = [join(cache, `archive-${name}`), join(cache, `bronze-${name}`), join(cache, `silver-${name}`)]
  for (const folder of [bronze, silver]) await rm(folder, { recursive: true, force: true })
  await measureOnce(ours('', 'bronze'), bronze, archive, '')
  await measureOnce(ours('', 'ingest'), silver, archive, '')
  const results = new Map<string, Measure[]>(contenders.map((one) => [one.name, []]))
  const checks = new Map<(typeof CHECKS)[number], Measure[]>(CHECKS.map((what) => [what, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of contenders) results.get(one.name)?.push(await measureOnce(one, join(cache, 'out'), archive, bronze))
    for (const what of CHECKS) checks.get(what)?.push(await measureOnce({ ...ours('', what), keeps: true }, silver, archive, ''))
  }
  results.set('ours: all rules for rows', checks.get('rules') ?? [])
  results.set('ours: rules, detectors, scores, findings', checks.get('quality') ?? [])
  printMeasures(title, ROUNDS, results)
}

/** Decodes large days, and many small files of several types, with ours and each peer, and checks them against the rules. */
export async function benchSilver(cache: string, only?: string): Promise<void> {
  if (only !== 'mixed') await benchDays(cache)
  if (only !== 'days') await benchMixed(cache)
}

async function benchMixed(cache: string): Promise<void> {
  const archive = join(cache, 'archive-mixed')
  if (!existsSync(join(archive, 'complete'))) {
    await rm(archive, { recursive: true, force: true })
    const series = Array.from({ length: 20 }, (_, n) => ({
      market: 'um' as const,
      symbol: `S${String(n).padStart(2, '0')}USDT`,
      types: MIXED,
      intervals: ['1m'] as const,
    }))
    await writeArchive(archive, { seed: 'bench', series, start: Date.UTC(2024, 2, 5), days: 10, tradesPerDay: 1500, periods: ['daily'] })
    await writeFile(join(archive, 'complete'), '')
  }
  const contenders: readonly Contender[] = [
    ours('ours: bronze → silver, everything on', 'silver'),
    peer('Polars, unique + sort', 'mixed_peer.py', 'polars'),
    peer('DuckDB, DISTINCT ON + ORDER BY', 'mixed_peer.py', 'duckdb'),
    peer('pandas', 'mixed_peer.py', 'pandas'),
  ]
  await measureAll(cache, 'mixed', '1,000 files of five types', contenders)
}

async function benchDays(cache: string): Promise<void> {
  for (const { type, number, tradesPerDay } of DAYS) {
    const archive = join(cache, `archive-${type}`)
    if (!existsSync(join(archive, 'complete'))) {
      await rm(archive, { recursive: true, force: true })
      const series = [{ market: 'um' as const, symbol: 'BTCUSDT', types: [type], intervals: [] }]
      await writeArchive(archive, { seed: 'bench', series, start: Date.UTC(2024, 2, 5), days: 1, tradesPerDay, periods: ['daily'] })
      await writeFile(join(archive, 'complete'), '')
    }
    const contenders: readonly Contender[] = [
      ours('ours: bronze → silver, everything on', 'silver'),
      peer('Polars, unique + sort', 'trades_peer.py', 'polars-unique', number),
      peer('Polars, order and uniqueness proved', 'trades_peer.py', 'polars-proved', number),
      peer('DuckDB, DISTINCT ON + ORDER BY', 'trades_peer.py', 'duckdb', number),
      peer('pandas', 'trades_peer.py', 'pandas', number),
    ]
    await measureAll(cache, type, type, contenders)
  }
}
