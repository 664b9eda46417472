import { LakehouseError } from '../../core/errors.ts'
import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import type { Place } from '../../storage/place.ts'
import { everyPage, type ListFrom, listPage, PageGuard } from '../../storage/s3/operations.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import { boundsAhead, folderBounds, type KeyRange, rangesBetween } from './key-ranges.ts'

/** Objects of a listing in order, page by page: awaiting each object alone would cost more than copying it. Keys are relative to the place. */
export type Pages = AsyncIterable<readonly ObjectInfo[]>

export type ListingOptions = {
  /** The number of key ranges listed at the same time; 1 if the order of the store is not proved. */
  readonly parallel: number
  /** The prefixes to list, relative to the place. No prefix may begin with another one. */
  readonly prefixes: readonly string[]
}

const LOCAL_PAGE = 1000

/**
 * Lists the objects of a place in the order of UTF-8 bytes. Throws LISTING_INVALID when the listing is incomplete or out of order.
 * Out of order, the error has `details.disordered`; `listUnordered` can list such a store.
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

/** Splits a range into parts of about PAGES_AHEAD pages each, estimated from the page before it. */
function splitAhead(range: KeyRange, page: readonly ObjectInfo[], parallel: number): KeyRange[] {
  return rangesBetween(range, boundsAhead(page, range.end, PAGES_AHEAD, parallel * RANGES_EACH))
}

/** Lists the same objects in the order of the store. */
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
    // A store without order can continue only from its own token.
    if (truncated && (fresh.length === 0 || token === undefined))
      throw incomplete(s3, 'is incomplete: a page has no token and no keys to continue from')
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

/** Checks that the keys of a page ascend from `after`, and makes them relative. */
function ordered(s3: S3Client, objects: readonly ObjectInfo[], after: string): ObjectInfo[] {
  let last = after
  for (const { key } of objects) {
    if (last !== '' && compareKeys(last, key) >= 0)
      throw new LakehouseError('LISTING_INVALID', `s3://${s3.address.bucket} lists ${key} after ${last}, which is not the order of bytes`, {
        details: { bucket: s3.address.bucket, disordered: true },
      })
    last = key
  }
  return objects.map((object) => relative(s3, object))
}

/** The rest of a range that is too large for one reader. `page` is the last page that was read. */
type Remainder = { readonly range: KeyRange; readonly page: readonly ObjectInfo[] }

/** Reads one range page by page, and requests the next page while the current one is processed. Returns the rest of the range after `most` pages. */
async function* rangePages(
  s3: S3Client,
  range: KeyRange,
  start: ListFrom,
  most?: number,
): AsyncGenerator<readonly ObjectInfo[], Remainder | undefined> {
  const { prefix } = range
  let next = listPage(s3, prefix, start.token === undefined ? { after: start.after ?? range.after } : start)
  let last = range.after
  const guard = new PageGuard(`s3://${s3.address.bucket}/${prefix}`)
  for (let pages = 1; ; pages++) {
    const page = await next
    const end = page.objects.at(-1)?.key
    const isOver = !page.truncated || (range.end !== undefined && end !== undefined && compareKeys(end, range.end) >= 0)
    const isSplit = !isOver && pages === most && end !== undefined
    if (!isOver && !isSplit) {
      guard.check(page)
      if (end === undefined && page.token === undefined)
        throw incomplete(s3, 'is incomplete: a page has no token and no keys to continue from')
      if (end !== undefined && page.token === undefined && compareKeys(end, last) <= 0)
        throw incomplete(s3, `is not valid: it returns to ${end} again`)
      next = listPage(s3, prefix, page.token === undefined ? { after: end } : { token: page.token })
      next.catch(() => {}) // reported when it is awaited
    }
    const { end: limit } = range
    const inside = limit === undefined ? page.objects : page.objects.filter(({ key }) => compareKeys(key, limit) <= 0)
    yield ordered(s3, inside, last)
    last = end ?? last
    if (isSplit) return { range: { ...range, after: last }, page: page.objects }
    if (isOver) return undefined
  }
}

function incomplete(s3: S3Client, why: string): LakehouseError {
  return new LakehouseError(
    'LISTING_INVALID',
    `the listing of s3://${s3.address.bucket} ${why}; run again, and check that the endpoint speaks S3`,
    {
      details: { bucket: s3.address.bucket },
    },
  )
}

/**
 * Tests whether the store can begin a listing after any string. A listing from the middle of a known page must return the rest of that page.
 * The test also begins after the name of a folder, because stores that walk directories skip the keys below it.
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

/** At most this many pages of a later range wait for the earlier ranges. */
const PAGES_AHEAD = 8

/** A range with more pages than this is split again, so that other readers can help. */
const DENSE_PAGES = 2 * PAGES_AHEAD

/** The number of ranges per reader. More than one, because ranges are never equally large. */
const RANGES_EACH = 4

/** Reads several ranges at the same time and yields their pages in the order of the ranges. */
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

/** Reads at most `limit` pages ahead of its consumer. `rest` is the unread part of the range when it ends. */
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
      // Reads at least one page each time, then more until the limit is reached.
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
