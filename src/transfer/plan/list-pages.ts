import { LakehouseError } from '../../core/errors.ts'
import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import type { Place } from '../../storage/place.ts'
import { everyPage, type ListFrom, listPage } from '../../storage/s3/operations.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import { boundsAhead, folderBounds, type KeyRange, rangesBetween } from './key-ranges.ts'

/** Objects of a listing, in order, some at a time: to await each of a million costs more than to copy it. Keys are relative to the place. */
export type Pages = AsyncIterable<readonly ObjectInfo[]>

export type ListingOptions = {
  /** Ranges of keys listed at once; 1 where the store's order has not been proved. */
  readonly parallel: number
  /** What is listed, relative to the place: prefixes of which none begins another. */
  readonly prefixes: readonly string[]
}

const LOCAL_PAGE = 1000

/**
 * The objects of a place in the order of UTF-8 bytes. A listing that is not whole throws LISTING_INVALID and is never taken for whole; so does one out of
 * order, with `details.disordered`, which `listUnordered` reads.
 */
export async function* listPages(place: Place, options: ListingOptions): Pages {
  for (const prefix of [...options.prefixes].sort(compareKeys)) {
    if (place.s3 === undefined) yield* inPages(place.store.list(prefix))
    else yield* bucketPages(place.s3, place.s3.address.prefix + prefix, options.parallel)
  }
}

async function* bucketPages(s3: S3Client, prefix: string, parallel: number): Pages {
  const first = await listPage(s3, prefix, {})
  const last = first.objects.at(-1)?.key
  yield ordered(s3, first.objects, '')
  if (!first.truncated) return
  const whole: KeyRange = { prefix, after: last ?? '', end: undefined }
  if (parallel > 1 && last !== undefined && (await isOrderProved(s3, prefix, first.objects))) {
    const bounds = await folderBounds(s3, prefix, last, parallel * RANGES_EACH)
    yield* inOrder(s3, bounds.length > 0 ? rangesBetween(whole, bounds) : splitAhead(whole, first.objects, parallel), parallel)
  } else yield* rangePages(s3, whole, { token: first.token, after: last })
}

/** A range cut where the keys of the page before it let expect so many pages each. */
function splitAhead(range: KeyRange, page: readonly ObjectInfo[], parallel: number): KeyRange[] {
  return rangesBetween(range, boundsAhead(page, range.end, PAGES_AHEAD, parallel * RANGES_EACH))
}

/** The same objects in whatever order the store lists them. */
export async function* listUnordered(place: Place, prefixes: readonly string[]): Pages {
  for (const prefix of prefixes) {
    if (place.s3 === undefined) yield* inPages(place.store.list(prefix))
    else yield* unorderedPages(place.s3, place.s3.address.prefix + prefix)
  }
}

async function* unorderedPages(s3: S3Client, prefix: string): Pages {
  const seen = new Set<string>()
  for await (const { objects, truncated, token } of everyPage(s3, prefix)) {
    const fresh = objects.filter(({ key }) => !seen.has(key))
    for (const { key } of fresh) seen.add(key)
    yield fresh.map((object) => relative(s3, object))
    // A store without order can go on by its own token only.
    if (truncated && (fresh.length === 0 || token === undefined)) throw incomplete(s3, 'does not say how it goes on')
  }
}

async function* inPages(objects: AsyncIterable<ObjectInfo>): Pages {
  let page: ObjectInfo[] = []
  for await (const object of objects) {
    page.push(object)
    if (page.length < LOCAL_PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

function relative(s3: S3Client, object: ObjectInfo): ObjectInfo {
  const { prefix } = s3.address
  return prefix === '' ? object : { ...object, key: object.key.slice(prefix.length) }
}

/** The page with relative keys, proved to ascend from `after`. */
function ordered(s3: S3Client, objects: readonly ObjectInfo[], after: string): ObjectInfo[] {
  let last = after
  for (const { key } of objects) {
    if (last !== '' && compareKeys(last, key) >= 0)
      throw new LakehouseError('LISTING_INVALID', `s3://${s3.address.bucket} lists ${key} after ${last}: not in the order of bytes`, {
        details: { bucket: s3.address.bucket, disordered: true },
      })
    last = key
  }
  return objects.map((object) => relative(s3, object))
}

/** What a range still holds after its first pages, of which `page` was the last: too much for one reader. */
type Remainder = { readonly range: KeyRange; readonly page: readonly ObjectInfo[] }

/** One range, page after page; the next page is on its way while one is worked on. After `most` pages it returns what remains. */
async function* rangePages(
  s3: S3Client,
  range: KeyRange,
  start: ListFrom,
  most?: number,
): AsyncGenerator<readonly ObjectInfo[], Remainder | undefined> {
  const { prefix } = range
  let next = listPage(s3, prefix, start.token === undefined ? { after: start.after ?? range.after } : start)
  let last = range.after
  for (let pages = 1; ; pages++) {
    const page = await next
    const end = page.objects.at(-1)?.key
    const isOver = !page.truncated || (range.end !== undefined && end !== undefined && compareKeys(end, range.end) >= 0)
    const isCut = !isOver && pages === most && end !== undefined
    if (!isOver && !isCut) {
      if (end === undefined && page.token === undefined) throw incomplete(s3, 'does not say how it goes on')
      if (end !== undefined && page.token === undefined && compareKeys(end, last) <= 0) throw incomplete(s3, `goes in circles at ${end}`)
      next = listPage(s3, prefix, page.token === undefined ? { after: end } : { token: page.token })
      next.catch(() => {}) // told when it is awaited
    }
    const { end: limit } = range
    const inside = limit === undefined ? page.objects : page.objects.filter(({ key }) => compareKeys(key, limit) <= 0)
    yield ordered(s3, inside, last)
    last = end ?? last
    if (isCut) return { range: { ...range, after: last }, page: page.objects }
    if (isOver) return undefined
  }
}

function incomplete(s3: S3Client, why: string): LakehouseError {
  return new LakehouseError('LISTING_INVALID', `the listing of s3://${s3.address.bucket} ${why}`, {
    details: { bucket: s3.address.bucket },
  })
}

/**
 * Whether the store can be trusted to begin a listing after any string: what it lists from the middle of the page that is known must be the rest of that page,
 * also after the name of a folder, where a store that walks directories loses what is below it.
 */
async function isOrderProved(s3: S3Client, prefix: string, known: readonly ObjectInfo[]): Promise<boolean> {
  const middle = known[Math.floor(known.length / 2)]?.key ?? ''
  const folder = middle.slice(0, Math.max(0, middle.lastIndexOf('/')))
  for (const after of [middle, folder].filter((text) => text.length > prefix.length)) {
    const expected = known.filter(({ key }) => compareKeys(key, after) > 0).slice(0, 10)
    const page = await listPage(s3, prefix, { after }, { maxKeys: 10 })
    if (!expected.every(({ key }, index) => page.objects[index]?.key === key)) return false
  }
  return true
}

/** So many pages of a later range wait for the earlier ones. */
const PAGES_AHEAD = 8

/** A range that holds more pages is cut again, so that others can help. */
const DENSE_PAGES = 2 * PAGES_AHEAD

/** Ranges are cut into so many for each that is listed at once: they are never equally large. */
const RANGES_EACH = 4

/** Works on several ranges at once and hands out their pages in the order of the ranges. */
async function* inOrder(s3: S3Client, ranges: readonly KeyRange[], parallel: number): Pages {
  const readerOf = (range: KeyRange) => new AheadReader(rangePages(s3, range, {}, DENSE_PAGES), PAGES_AHEAD)
  const readers = ranges.map(readerOf)
  try {
    for (let [head] = readers; head !== undefined; [head] = readers) {
      for (const ahead of readers.slice(0, parallel)) ahead.start()
      const page = await head.next()
      if (page !== undefined) yield page
      else {
        const { rest } = head
        readers.splice(0, 1, ...(rest === undefined ? [] : splitAhead(rest.range, rest.page, parallel).map(readerOf)))
      }
    }
  } finally {
    for (const reader of readers) reader.stop()
  }
}

/** Reads ahead of its consumer, up to so many pages. `rest` is what it has left when it ends. */
class AheadReader {
  rest: Remainder | undefined
  readonly #pages: AsyncIterator<readonly ObjectInfo[], Remainder | undefined>
  readonly #limit: number
  readonly #ready: (readonly ObjectInfo[])[] = []
  #working: Promise<void> | undefined
  #done = false
  #failure: unknown

  constructor(pages: AsyncGenerator<readonly ObjectInfo[], Remainder | undefined>, limit: number) {
    this.#pages = pages
    this.#limit = limit
  }

  start(): void {
    if (this.#working === undefined && !this.#done) this.#working = this.#read()
  }

  stop(): void {
    this.#done = true
  }

  async next(): Promise<readonly ObjectInfo[] | undefined> {
    while (this.#ready.length === 0 && !this.#done) {
      this.start()
      await this.#working
    }
    const page = this.#ready.shift()
    if (page === undefined && this.#failure !== undefined) throw this.#failure
    this.start()
    return page
  }

  async #read(): Promise<void> {
    try {
      // One page more each time that it is started, until the limit is reached.
      do {
        const next = await this.#pages.next()
        if (next.done === true) {
          this.#done = true
          this.rest = next.value
        } else this.#ready.push(next.value)
      } while (!this.#done && this.#ready.length < this.#limit)
    } catch (error) {
      this.#failure = error
      this.#done = true
    } finally {
      this.#working = undefined
    }
  }
}
