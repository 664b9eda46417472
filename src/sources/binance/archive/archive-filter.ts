import type { Interval } from '../../../core/interval.ts'
import { MARKETS, type Market } from '../../../core/market.ts'
import { intersection, type TimeRange } from '../../../core/time.ts'
import { fileRange, parseArchiveKey, typePrefix } from './archive-key.ts'
import { symbolPatterns } from './discover.ts'
import { ARCHIVE_MATRIX, type ArchiveType, type Period } from './matrix.ts'

/** A part of the archive; empty lists and an undefined range mean all of it. */
export type ArchiveFilter = {
  readonly types: readonly ArchiveType[]
  readonly markets: readonly Market[]
  readonly symbols: readonly string[]
  readonly intervals: readonly Interval[]
  readonly range: TimeRange | undefined
}

/** Whether a key (of a file or of its .CHECKSUM) belongs to the part; a key that follows no grammar does not. */
export function archiveMatcher(filter: ArchiveFilter): (key: string) => boolean {
  const { matches } = symbolPatterns(filter.symbols)
  return (key) => {
    try {
      const file = parseArchiveKey(key.endsWith('.CHECKSUM') ? key.slice(0, -'.CHECKSUM'.length) : key)
      return (
        (filter.types.length === 0 || filter.types.includes(file.type)) &&
        (filter.markets.length === 0 || filter.markets.includes(file.market)) &&
        (filter.intervals.length === 0 || (file.interval !== undefined && filter.intervals.includes(file.interval))) &&
        matches(file.symbol) &&
        (filter.range === undefined || intersection(fileRange(file), filter.range) !== undefined)
      )
    } catch {
      return false
    }
  }
}

/** Prefixes that hold every key of the part and as little else as their names allow: none of them begins another. */
export function archivePrefixes({ types, markets, symbols, intervals }: ArchiveFilter): string[] {
  const prefixes: string[] = []
  for (const entry of ARCHIVE_MATRIX) {
    if ((types.length > 0 && !types.includes(entry.type)) || !(markets.length === 0 ? MARKETS : markets).includes(entry.market)) continue
    for (const period of Object.keys(entry.periods) as Period[]) {
      const base = typePrefix(entry.market, period, entry.type)
      const names = symbols.length === 0 ? [''] : symbols
      for (const name of names) {
        const literal = name.replace(/[*?].*$/, '')
        const isExact = literal === name && name !== ''
        if (!isExact) prefixes.push(base + literal)
        else if (intervals.length === 0) prefixes.push(`${base}${name}/`)
        else prefixes.push(...intervals.map((interval) => `${base}${name}/${interval}/`))
      }
    }
  }
  const sorted = [...new Set(prefixes)].sort()
  return sorted.filter((prefix) => !sorted.some((other) => other !== prefix && prefix.startsWith(other)))
}
