import { LakehouseError } from '../core/errors.ts'
import { namePatterns } from '../core/patterns.ts'
import { archiveMatcher, archivePrefixes } from '../sources/archive/archive-filter.ts'
import { findSource } from '../sources/registry.ts'
import { type CommandContext, list, type OptionSpec, type Values } from './command.ts'
import { parseSelection, parseTypes, SELECTION_OPTIONS } from './selection.ts'

const { archive: _archive, ...SELECTION } = SELECTION_OPTIONS

/** Options that choose what of a source is looked at. */
export const FILTER_OPTIONS = {
  type: { type: 'string', value: 'T,…', help: 'data types of the archive: klines, aggTrades …' },
  ...SELECTION,
  include: { type: 'string', value: 'GLOB,…', help: 'keys to take (* within a segment or over several)' },
  exclude: { type: 'string', value: 'GLOB,…', help: 'keys to leave' },
} as const satisfies Record<string, OptionSpec>

export type KeyFilter = { readonly prefixes: readonly string[]; readonly includes: (key: string) => boolean }

/** The keys that the options choose. Throws USAGE. */
export function parseFilter(values: Values, nowMs: number): KeyFilter {
  const selection = parseSelection(values, nowMs)
  const types = list(values, 'type').flatMap(parseTypes)
  const { markets, symbols, intervals, range } = selection
  const source = findSource(selection.exchange)
  const isFiltered = types.length + markets.length + symbols.length + intervals.length > 0 || range !== undefined
  const matchers: ((key: string) => boolean)[] = []
  if (isFiltered) matchers.push(archiveMatcher(source, { types, ...selection }))
  const [include, exclude] = [list(values, 'include'), list(values, 'exclude')]
  if (include.length > 0) matchers.push(namePatterns(include).matches)
  if (exclude.length > 0) {
    const { matches } = namePatterns(exclude)
    matchers.push((key) => !matches(key))
  }
  return {
    prefixes: isFiltered ? archivePrefixes(source, { types, ...selection }) : [''],
    includes: (key) => matchers.every((matches) => matches(key)),
  }
}

/** Bytes: 1500, 10M, 2.5G (powers of 1024). Throws USAGE. */
export function parseBytes(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([kKMGT]?)i?B?$/.exec(value)
  if (match === null) throw new LakehouseError('USAGE', `--${option} "${value}" is no number of bytes: 1500, 10M, 2.5G`)
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match[2] ?? '').toUpperCase())
  return Math.round(Number(match[1]) * 1024 ** power)
}

/** Milliseconds: 90s, 30m, 2h, 7d. Throws USAGE. */
export function parseDuration(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value)
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? '']
  if (match === null || unit === undefined) throw new LakehouseError('USAGE', `--${option} "${value}" is no duration: 90s, 30m, 2h, 7d`)
  return Number(match[1]) * unit
}

/** A whole number of at least `least`. Throws USAGE. */
export function parseCount(option: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d+$/.test(value) || Number(value) < least)
    throw new LakehouseError('USAGE', `--${option} "${value}" is no whole number from ${least}`)
  return Number(value)
}

/** The two places of a transfer, from the arguments or the configuration. Throws USAGE. */
export function parsePlaces(context: CommandContext): { source: string; destination: string } {
  const { sync } = context.loaded().config
  const [source = sync.source, destination = sync.destination, ...more] = context.args
  if (more.length > 0) throw new LakehouseError('USAGE', `a source and a destination are expected, not "${more[0]}" besides`)
  if (destination === '') throw new LakehouseError('USAGE', 'there is no destination: name one, or set sync.destination')
  return { source, destination }
}
