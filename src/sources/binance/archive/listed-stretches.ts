import type { Market } from '../../../core/market.ts'
import { union } from '../../../core/ranges.ts'
import { formatMonth, type TimeRange } from '../../../core/time.ts'
import { ParallelProcessor } from '../../../platform/parallel-processor.ts'
import { ResourceOptimizer } from '../../../platform/resources.ts'
import type { ArchiveOrigin } from '../../origin/origin.ts'
import { fileRange } from './archive-key.ts'
import { discoverIntervals, discoverSeries, discoverSymbols } from './discover.ts'

/** Stretches of time for which the archive lists klines of a symbol, oldest first. */
export type ListedSymbol = { readonly symbol: string; readonly stretches: readonly TimeRange[] }

const AT_ONCE = 16

/**
 * Every symbol of a market that the archive lists, also those that are gone, in the order of their names: by its daily klines where there are any, else by all others. A month counts as a whole only where no day
 * of it has a file of its own.
 */
export async function* listedStretches(
  origin: ArchiveOrigin,
  market: Market,
  { nowUs, signal }: { readonly nowUs: number; readonly signal: AbortSignal },
): AsyncGenerator<ListedSymbol> {
  const { symbols } = await discoverSymbols(origin, market, 'klines')
  const look = async (symbol: string): Promise<ListedSymbol> => {
    const found = await discoverIntervals(origin, market, 'klines', symbol)
    const ranges: TimeRange[] = []
    for (const interval of found.includes('1d') ? (['1d'] as const) : found) {
      const { available } = await discoverSeries(origin, { market, type: 'klines', symbol, interval }, undefined, nowUs)
      const days = [...available.daily].map((date) => fileRange({ period: 'daily', date }))
      const known = new Set(days.map(({ start }) => formatMonth(start)))
      const months = [...available.monthly].filter((date) => !known.has(date)).map((date) => fileRange({ period: 'monthly', date }))
      ranges.push(...days, ...months)
    }
    return { symbol, stretches: union(ranges) }
  }
  const size = new ResourceOptimizer().optimizeBatchSize(symbols.length, 'low')
  const processor = new ParallelProcessor(AT_ONCE)
  for (let from = 0; from < symbols.length; from += size)
    for (const outcome of await processor.processBatch(symbols.slice(from, from + size), look, { ordered: true, signal })) {
      if ('error' in outcome) throw outcome.error
      if (outcome.value.stretches.length > 0) yield outcome.value
    }
}
