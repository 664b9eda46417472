import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { makeFolder, sweepTemporaries } from '../local.ts'
import type { ByteRange, ObjectInfo, ObjectStore, StoreFiles } from '../object-store.ts'
import { isTemporary, temporaryName } from '../temporary.ts'
import { LIST_SUFFIX, PartFile } from './part-file.ts'

/** Where copies of objects lie on this machine, and how much they may be. */
export type CacheOptions = { readonly directory: string; readonly limitBytes: number }

/** A file that was asked for so recently may be about to be opened: it stays, whatever the limit. */
const IN_USE_MS = 600_000

const PARTS_SUFFIX = '.parts'

/**
 * Objects of a bucket as files: copies in a cache that several processes may share, named by the object and its ETag. A copy is whole, or one of parts that knows which.
 * The least recently used go when there are more bytes than are allowed.
 */
export class S3Files implements StoreFiles {
  readonly folders: readonly string[]
  readonly #store: Pick<ObjectStore, 'head' | 'get' | 'stream' | 'put'>
  readonly #bucket: string
  readonly #limitBytes: number
  readonly #nowMs: () => number
  readonly #cache: string
  readonly #spool: string
  readonly #loading = new Map<string, Promise<string>>()
  #evicting: Promise<void> = Promise.resolve()
  #addedBytes = Number.POSITIVE_INFINITY

  /** `bucket` tells buckets of different services apart. */
  constructor(
    store: Pick<ObjectStore, 'head' | 'get' | 'stream' | 'put'>,
    bucket: string,
    { directory, limitBytes }: CacheOptions,
    nowMs: () => number,
  ) {
    this.#nowMs = nowMs
    this.#store = store
    this.#bucket = bucket
    this.#limitBytes = limitBytes
    this.#cache = join(directory, 'objects')
    this.#spool = join(directory, 'spool')
    this.folders = [this.#cache, this.#spool]
  }

  async open(key: string): Promise<string> {
    const loading = this.#loading.get(key)
    if (loading !== undefined) return await loading
    const opening = this.#open(key).finally(() => this.#loading.delete(key))
    this.#loading.set(key, opening)
    return await opening
  }

  async openParts(key: string, choose: Parameters<StoreFiles['openParts']>[1]): Promise<string> {
    const info = await this.#head(key)
    const { size } = info
    const whole = this.#pathOf(info)
    if (await touched(whole, size, this.#nowMs())) return whole
    const path = `${whole}${PARTS_SUFFIX}`
    await makeFolder(this.#cache)
    const before = await bytesOnDisk(path)
    const file = await PartFile.open(path, size)
    const need = (ranges: readonly ByteRange[]) => file.fill(ranges, (range) => this.#store.get(key, range))
    const suffices = await choose({ path, size }, need).finally(() => file.close())
    await touched(path, size, this.#nowMs())
    await this.#grown(Math.max(0, (await bytesOnDisk(path)) - before))
    return suffices ? path : await this.open(key)
  }

  async draft(key: string): Promise<string> {
    await makeFolder(this.#spool)
    return join(this.#spool, temporaryName(key.slice(key.lastIndexOf('.'))))
  }

  async publish(draft: string, key: string, { replace }: { replace: boolean }): Promise<boolean> {
    let info: ObjectInfo
    try {
      info = await this.#store.put(key, createReadStream(draft), { ifAbsent: !replace })
    } catch (error) {
      if (asLakehouseError(error).code === 'OBJECT_EXISTS') return false
      throw error
    }
    // What has just been written is what is read next.
    await makeFolder(this.#cache)
    await rename(draft, this.#pathOf(info)).catch(() => rm(draft, { force: true }))
    await this.#grown(info.size)
    return true
  }

  async sweep(mayBeAtWork: (name: string, modifiedMs: number) => boolean, prefix?: string): Promise<number> {
    if (prefix !== undefined) return 0 // a bucket has no drafts
    return (await sweepTemporaries(this.#spool, mayBeAtWork)) + (await sweepTemporaries(this.#cache, mayBeAtWork))
  }

  #pathOf({ key, etag }: ObjectInfo): string {
    const name = createHash('sha256').update(`${this.#bucket}\n${key}\n${etag}`).digest('hex')
    return join(this.#cache, `${name}${/\.\w+$/.exec(key)?.[0] ?? ''}`)
  }

  async #open(key: string): Promise<string> {
    const info = await this.#head(key)
    const path = this.#pathOf(info)
    if (await touched(path, info.size, this.#nowMs())) return path
    await makeFolder(this.#cache)
    const temporary = join(this.#cache, temporaryName())
    try {
      await pipeline(Readable.from(this.#store.stream(key)), createWriteStream(temporary))
      await rename(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
    await this.#grown(info.size)
    return path
  }

  async #head(key: string): Promise<ObjectInfo> {
    const info = await this.#store.head(key)
    if (info === undefined) throw new LakehouseError('OBJECT_NOT_FOUND', `${key} does not exist`, { details: { key } })
    return info
  }

  /** Looks at the whole cache once in a while: at the first file, and whenever a tenth of what is allowed has come. */
  async #grown(bytes: number): Promise<void> {
    this.#addedBytes += bytes
    if (this.#addedBytes < this.#limitBytes / 10) return
    this.#addedBytes = 0
    this.#evicting = this.#evicting.then(() => this.#evict())
    await this.#evicting
  }

  async #evict(): Promise<void> {
    const files: { path: string; size: number; usedMs: number }[] = []
    for (const name of await readdir(this.#cache)) {
      const path = join(this.#cache, name)
      const info = isTemporary(name) ? undefined : await stat(path).catch(() => undefined)
      if (info !== undefined && !name.endsWith(LIST_SUFFIX)) files.push({ path, size: info.blocks * 512, usedMs: info.mtimeMs })
    }
    let total = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size, usedMs } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#limitBytes || this.#nowMs() - usedMs < IN_USE_MS) return
      // Of a copy of parts the list goes first: what no list speaks of is made again.
      await rm(path + LIST_SUFFIX, { force: true })
      await unlink(path).catch(() => {}) // another process was first
      total -= size
    }
  }
}

/** Whether the file is there, of that size; if so it counts as used now. One that is being removed at this moment cannot be touched any more, and is not there. */
async function touched(path: string, size: number, nowMs: number): Promise<boolean> {
  if ((await stat(path).catch(() => undefined))?.size !== size) return false
  const now = new Date(nowMs)
  return await utimes(path, now, now).then(
    () => true,
    () => false,
  )
}

async function bytesOnDisk(path: string): Promise<number> {
  return ((await stat(path).catch(() => undefined))?.blocks ?? 0) * 512
}
