import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import { listPage } from '../../storage/s3/operations.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'

/** Keys of a bucket after `after` up to and including `end`. Neither needs to be a key. Without `end`, the range reaches the last key. */
export type KeyRange = { readonly prefix: string; readonly after: string; readonly end: string | undefined }

/** A suffix that sorts after every key with the same beginning. */
const LAST = '\u{10ffff}'

/** Splits a range at ascending bounds within it. For any bounds, the parts hold every key of the range exactly once. */
export function rangesBetween(range: KeyRange, bounds: readonly string[]): KeyRange[] {
  return [range.after, ...bounds].map((after, index) => ({ ...range, after, end: bounds[index] ?? range.end }))
}

/** The maximum number of requests that list folders. */
const TREE_REQUESTS = 24

/** Bounds that split the keys after `after` into about `wanted` ranges, at folders of the store. Empty when there are no folders. */
export async function folderBounds(s3: S3Client, prefix: string, after: string, wanted: number): Promise<string[]> {
  let folders = [prefix]
  for (let requests = 0; folders.length < wanted && requests < TREE_REQUESTS; ) {
    const deeper: string[] = []
    let found = false
    for (const folder of folders) {
      const page = requests++ < TREE_REQUESTS ? await listPage(s3, folder, {}, { delimiter: '/' }) : undefined
      const below = page?.prefixes.filter((name) => compareKeys(`${name}${LAST}`, after) > 0) ?? []
      if (below.length > 0) found = true
      deeper.push(...(below.length > 0 ? below : [folder]))
    }
    folders = deeper
    if (!found) break
  }
  const later = folders.filter((folder) => compareKeys(justBefore(folder), after) > 0)
  const step = Math.max(1, Math.ceil(later.length / wanted))
  return later.filter((_, index) => index % step === 0).map(justBefore)
}

/** A string that sorts directly before `folder` and the keys below it. */
function justBefore(folder: string): string {
  return `${folder.slice(0, -1)}.${LAST}` // a dot sorts before a slash
}

/**
 * Estimates at most `wanted` bounds below `end` for the keys after a page, about `pages` pages apart.
 * Reads the characters in which the keys of the page differ as a number, and counts on from the last key.
 * When the number runs out of digits, the last bound sorts after all keys that begin like those of the page.
 */
export function boundsAhead(page: readonly ObjectInfo[], end: string | undefined, pages: number, wanted: number): string[] {
  const [first, last] = [page[0]?.key ?? '', page.at(-1)?.key ?? '']
  const window = countingWindow(page, first, last)
  if (window === undefined) return []
  const { from, to, alphabet } = window
  const base = BigInt(alphabet.length)
  const numberOf = (key: string) =>
    [...key.slice(from, to)].reduce((sum, letter) => sum * base + BigInt(Math.max(0, alphabet.indexOf(letter))), 0n)
  const stem = last.slice(0, from)
  const step = (numberOf(last) - numberOf(first)) * BigInt(pages)
  const bounds: string[] = []
  for (let value = numberOf(last) + step; step > 0n && bounds.length < wanted; value += step) {
    const isBeyond = value >= base ** BigInt(to - from)
    const bound = isBeyond ? stem + LAST : stem + digitsOf(value, alphabet, to - from)
    if (end !== undefined && compareKeys(bound, end) >= 0) break
    if (compareKeys(bound, bounds.at(-1) ?? last) > 0) bounds.push(bound)
    if (isBeyond) break
  }
  return bounds
}

/**
 * The positions that form the number in the keys of a page: from the first position at which the keys differ to the next at which they do not.
 * The window also includes earlier positions that hold characters of the same alphabet.
 */
function countingWindow(
  page: readonly ObjectInfo[],
  first: string,
  last: string,
): { from: number; to: number; alphabet: string[] } | undefined {
  let from = 0
  while (from < last.length && first[from] === last[from]) from++
  const letters = new Set<string>()
  let to = from
  for (; to < last.length && to - from < 12; to++) {
    const here = new Set(page.map(({ key }) => key[to] ?? ''))
    if (here.size < 2 || [...here].some((letter) => !/^[\x21-\x7e]$/.test(letter))) break
    for (const letter of here) letters.add(letter)
  }
  if (to === from) return undefined
  while (from > 0 && letters.has(last[from - 1] ?? '')) from--
  return { from, to, alphabet: [...letters].sort() }
}

function digitsOf(value: bigint, alphabet: readonly string[], length: number): string {
  const base = BigInt(alphabet.length)
  let text = ''
  for (let rest = value, at = 0; at < length; at++, rest /= base) text = (alphabet[Number(rest % base)] ?? '') + text
  return text
}
