import { union } from '../../core/ranges.ts'
import { formatMonth, type TimeRange } from '../../core/time.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import { ParallelProcessor } from '../../platform/parallel-processor.ts'
import { ResourceOptimizer } from '../../platform/resources.ts'
import { discoverIntervals, discoverSeries, discoverSymbols, type OpenArchive } from './discover.ts'
import { fileRange } from './file-range.ts'

/** The stretches of time for which the archive lists klines of a symbol, oldest first. */
export type ListedSymbol = { readonly symbol: string; readonly stretches: readonly TimeRange[] }

const AT_ONCE = 16

/**
 * Every symbol of a market that the archive lists, delisted ones included, by name. Its daily klines are used if they exist, else all other files. A month
 * counts as a whole only if none of its days has its own file.
 */
export async function* listedStretches(
  archive: OpenArchive,
  market: string,
  { nowUs, signal }: { readonly nowUs: number; readonly signal: AbortSignal },
): AsyncGenerator<ListedSymbol> {
  const { symbols } = await discoverSymbols(archive, market, TRADED_BARS)
  const exchange = archive.source.id
  const look = async (symbol: string): Promise<ListedSymbol> => {
    const found = await discoverIntervals(archive, market, TRADED_BARS, symbol)
    const ranges: TimeRange[] = []
    for (const interval of found.includes('1d') ? (['1d'] as const) : found) {
      const series = { exchange, market, dataset: TRADED_BARS, symbol, interval }
      const { available } = await discoverSeries(archive, series, undefined, nowUs)
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
