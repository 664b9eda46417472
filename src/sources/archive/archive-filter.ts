import { namePatterns } from '../../core/patterns.ts'
import { intersection } from '../../core/time.ts'
import type { ArchiveSelection, Period, Source } from '../contract.ts'
import { fileRange } from './file-range.ts'

/** A part of an archive; empty lists and an undefined range mean all of it. */
export type ArchiveFilter = Omit<ArchiveSelection, 'exchange'>

/** Whether a key (of a file or its checksum file) belongs to the part. A key that does not follow the grammar never does. */
export function archiveMatcher({ archive }: Source, filter: ArchiveFilter): (key: string) => boolean {
  const { matches } = namePatterns(filter.symbols)
  return (key) => {
    try {
      const file = archive.parseKey(archive.checksumOf(key) ?? key)
      return (
        (filter.types.length === 0 || filter.types.includes(file.dataset)) &&
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

/** Prefixes that cover every key of the part and few other keys. None of them is the beginning of another. */
export function archivePrefixes({ archive, offers }: Source, { types, markets, symbols, intervals }: ArchiveFilter): string[] {
  const prefixes: string[] = []
  for (const offer of offers) {
    const { market, dataset } = offer
    if ((types.length > 0 && !types.includes(dataset)) || (markets.length > 0 && !markets.includes(market))) continue
    for (const period of Object.keys(offer.archive.periods) as Period[]) {
      const base = archive.typePrefix(market, period, dataset)
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
