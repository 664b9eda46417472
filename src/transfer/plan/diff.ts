import { compareKeys, type ObjectInfo } from '../../storage/object-store.ts'
import { compareObjects, type KnownCopy } from './compare.ts'
import type { Pages } from './list-pages.ts'

/** An object to copy, and why. `replaces` is the current ETag at the destination. The key is relative to both places. */
export type TransferObject = ObjectInfo & { readonly reason: 'new' | 'size' | 'etag' | 'time'; readonly replaces: string | undefined }

/** A part of the difference between two places, in the order of keys. */
export type DiffBatch = {
  readonly transfer: readonly TransferObject[]
  readonly unchanged: readonly ObjectInfo[]
  /** Objects that only the destination has. */
  readonly extra: readonly ObjectInfo[]
}

export type DiffOptions = {
  readonly known: ReadonlyMap<string, KnownCopy>
  readonly includes: (key: string) => boolean
  /** Whether to copy only new and changed objects (`true`), or all objects again (`false`). */
  readonly incremental: boolean
}

/** Merges two ordered listings into their difference. Holds one page of each in memory. */
export async function* diffPages(source: Pages, destination: Pages, options: DiffOptions): AsyncGenerator<DiffBatch> {
  const [left, right] = [new Cursor(source), new Cursor(destination)]
  for (;;) {
    if (left.isSpent) await left.load()
    if (right.isSpent) await right.load()
    if (left.current === undefined && right.current === undefined) return
    yield mergePages(left, right, options)
  }
}

/** Takes objects from both pages until one page is used up. */
function mergePages(left: Cursor, right: Cursor, options: DiffOptions): DiffBatch {
  const batch = { transfer: [] as TransferObject[], unchanged: [] as ObjectInfo[], extra: [] as ObjectInfo[] }
  for (;;) {
    const [one, other] = [left.current, right.current]
    if ((one === undefined && !left.isEnded) || (other === undefined && !right.isEnded) || (one === undefined && other === undefined))
      return batch
    const order = one === undefined ? 1 : other === undefined ? -1 : compareKeys(one.key, other.key)
    if (order <= 0) left.advance()
    if (order >= 0) right.advance()
    judge(batch, order <= 0 ? one : undefined, order >= 0 ? other : undefined, options)
  }
}

/** A batch that is being gathered. */
export type Collected = { transfer: TransferObject[]; unchanged: ObjectInfo[]; extra: ObjectInfo[] }

/** Compares an object on both sides and adds it to the right list of the batch. */
export function judge(batch: Collected, source: ObjectInfo | undefined, destination: ObjectInfo | undefined, options: DiffOptions): void {
  const key = source?.key ?? destination?.key ?? ''
  if (!options.includes(key)) return
  if (source === undefined) {
    if (destination !== undefined) batch.extra.push(destination)
  } else if (destination === undefined) batch.transfer.push({ ...source, reason: 'new', replaces: undefined })
  else {
    const verdict = options.incremental ? compareObjects(source, destination, options.known.get(key)) : 'time'
    if (verdict === 'unchanged') batch.unchanged.push(source)
    else batch.transfer.push({ ...source, reason: verdict, replaces: destination.etag })
  }
}

/**
 * The same difference for stores that do not list in order. Holds the listing of the destination in memory; yields extra objects at the end.
 */
export async function* diffUnordered(source: Pages, destination: Pages, options: DiffOptions): AsyncGenerator<DiffBatch> {
  const held = new Map<string, ObjectInfo>()
  for await (const page of destination) for (const object of page) held.set(object.key, object)
  for await (const page of source) {
    const batch: Collected = { transfer: [], unchanged: [], extra: [] }
    for (const object of page) {
      judge(batch, object, held.get(object.key), options)
      held.delete(object.key)
    }
    yield batch
  }
  const extra = [...held.values()].filter(({ key }) => options.includes(key)).sort((a, b) => compareKeys(a.key, b.key))
  yield { transfer: [], unchanged: [], extra }
}

/** Walks over pages. */
class Cursor {
  readonly #pages: AsyncIterator<readonly ObjectInfo[]>
  #page: readonly ObjectInfo[] = []
  #at = 0
  isEnded = false

  constructor(pages: Pages) {
    this.#pages = pages[Symbol.asyncIterator]()
  }

  get current(): ObjectInfo | undefined {
    return this.#page[this.#at]
  }

  get isSpent(): boolean {
    return this.#at >= this.#page.length && !this.isEnded
  }

  advance(): void {
    this.#at++
  }

  /** Loads the next page that is not empty. */
  async load(): Promise<void> {
    do {
      const next = await this.#pages.next()
      if (next.done === true) this.isEnded = true
      this.#page = next.done === true ? [] : next.value
      this.#at = 0
    } while (this.#page.length === 0 && !this.isEnded)
  }
}
