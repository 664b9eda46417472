import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { difference, union } from '../../core/ranges.ts'
import { mapConcurrent } from '../../platform/map-concurrent.ts'
import type { ByteRange } from '../object-store.ts'
import { temporaryName } from '../temporary.ts'

/** Ranges with so little between them are fetched as one: a request costs more than those bytes. */
const NEAR_BYTES = 128 << 10

/** So much is asked for in one request … */
const PIECE_BYTES = 8 << 20

/** … and so many of them at once. */
const AT_ONCE = 6

/** What a list of ranges is called beside its file. */
export const LIST_SUFFIX = '.held'

/**
 * A copy of an object of which only some ranges have been fetched; elsewhere it reads as zeros and takes no room. Several processes may fill one: the bytes are on disk
 * before the line of the list that says so, and a line that was cut short is none. The list names the inode it speaks of, so that it is never believed of another file.
 */
export class PartFile {
  readonly #data: FileHandle
  readonly #list: FileHandle

  private constructor(data: FileHandle, list: FileHandle) {
    this.#data = data
    this.#list = list
  }

  /** Opens the copy at `path`, or makes an empty one of `size` bytes. */
  static async open(path: string, size: number): Promise<PartFile> {
    for (;;) {
      const data = await open(path, 'r+').catch(() => undefined)
      const list = await open(path + LIST_SUFFIX, constants.O_RDWR | constants.O_APPEND).catch(() => undefined)
      if (data !== undefined && list !== undefined && (await textOf(list)).startsWith(await firstLine(data)))
        return new PartFile(data, list)
      await data?.close()
      await list?.close()
      await create(path, size)
    }
  }

  /** Fetches what is missing of the ranges. */
  async fill(ranges: readonly ByteRange[], fetch: (range: ByteRange) => Promise<Uint8Array>): Promise<void> {
    const missing = difference(joined(ranges), await this.#held()).flatMap(inPieces)
    if (missing.length === 0) return
    const filled = mapConcurrent(missing, { limit: AT_ONCE }, async (range) => {
      await this.#data.write(await fetch(range), 0, range.end - range.start, range.start)
    })
    for await (const _ of filled);
    await this.#data.datasync()
    await this.#list.write(missing.map(({ start, end }) => `+${start} ${end}\n`).join(''))
  }

  async close(): Promise<void> {
    await this.#data.close()
    await this.#list.close()
  }

  async #held(): Promise<ByteRange[]> {
    const ranges = [...(await textOf(this.#list)).matchAll(/^\+(\d+) (\d+)\n/gm)]
    return ranges.map(([, start, end]) => ({ start: Number(start), end: Number(end) }))
  }
}

async function create(path: string, size: number): Promise<void> {
  const temporary = join(dirname(path), temporaryName())
  const data = await open(temporary, 'wx')
  try {
    await data.truncate(size)
    const list = await open(`${temporary}${LIST_SUFFIX}`, 'wx')
    await list.write(await firstLine(data))
    await list.close()
    await rename(temporary, path)
    await rename(`${temporary}${LIST_SUFFIX}`, path + LIST_SUFFIX)
  } finally {
    await data.close()
    await rm(temporary, { force: true })
    await rm(`${temporary}${LIST_SUFFIX}`, { force: true })
  }
}

async function firstLine(data: FileHandle): Promise<string> {
  return `${(await data.stat({ bigint: true })).ino}\n`
}

async function textOf(list: FileHandle): Promise<string> {
  const bytes = Buffer.alloc((await list.stat()).size)
  const { bytesRead } = await list.read(bytes, 0, bytes.length, 0)
  return bytes.toString('latin1', 0, bytesRead)
}

/** The ranges in order, those joined that lie near each other. */
function joined(ranges: readonly ByteRange[]): ByteRange[] {
  return union(ranges.map(({ start, end }) => ({ start, end: end + NEAR_BYTES }))).map(({ start, end }) => ({
    start,
    end: end - NEAR_BYTES,
  }))
}

function inPieces({ start, end }: ByteRange): ByteRange[] {
  const pieces: ByteRange[] = []
  for (let at = start; at < end; at += PIECE_BYTES) pieces.push({ start: at, end: Math.min(end, at + PIECE_BYTES) })
  return pieces
}
