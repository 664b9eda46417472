import * as z from 'zod'
import { namePatterns } from '../core/patterns.ts'
import { archiveMatcher, archivePrefixes } from '../sources/archive/archive-filter.ts'
import { findSource } from '../sources/registry.ts'
import { resolveSelection, resolveTypes, selectionFields } from './selection.ts'

const { archive: _archive, ...selection } = selectionFields

/** Fields that select objects of a source. Without any of them, all objects are selected. */
export const filterFields = {
  types: z.array(z.string()).default([]).describe('data types of the archive'),
  ...selection,
  include: z.array(z.string()).default([]).describe('patterns of keys to include; * matches within a segment or across segments'),
  exclude: z.array(z.string()).default([]).describe('patterns of keys to exclude'),
}

export type KeyFilter = { readonly prefixes: readonly string[]; readonly includes: (key: string) => boolean }

/** The keys that the fields select. Throws USAGE. */
export function resolveFilter(input: z.output<z.ZodObject<typeof filterFields>>, nowMs: number): KeyFilter {
  const chosen = resolveSelection(input, nowMs)
  const { markets, symbols, intervals, range } = chosen
  const source = findSource(chosen.exchange)
  const types = input.types.length === 0 ? [] : resolveTypes(input.types)
  const isFiltered = types.length + markets.length + symbols.length + intervals.length > 0 || range !== undefined
  const matchers: ((key: string) => boolean)[] = []
  if (isFiltered) matchers.push(archiveMatcher(source, { types, ...chosen }))
  if (input.include.length > 0) matchers.push(namePatterns(input.include).matches)
  if (input.exclude.length > 0) {
    const { matches } = namePatterns(input.exclude)
    matchers.push((key) => !matches(key))
  }
  return {
    prefixes: isFiltered ? archivePrefixes(source, { types, ...chosen }) : [''],
    includes: (key) => matchers.every((matches) => matches(key)),
  }
}
