import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { found, type ObjectStore } from './object-store.ts'

/** The SHA-256 of bytes, as 64 hexadecimal digits. */
export function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The SHA-256 of an object's bytes, read from the store. Throws OBJECT_NOT_FOUND. */
export async function digestOfObject(store: ObjectStore, key: string): Promise<string> {
  return await digestOfPieces(store.stream(key))
}

/** The SHA-256 of a file of this machine. */
export async function digestOfFile(path: string): Promise<string> {
  return await digestOfPieces(createReadStream(path, { highWaterMark: 1 << 20 }))
}

async function digestOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

/** What is recorded of an object: the beginning of its SHA-256, and its size. */
export type Recorded = { readonly digest?: string | undefined; readonly bytes?: number | undefined }

export type Problem = 'missing' | 'size' | 'bytes'

/** Compares an object with what is recorded of it. Returns undefined if nothing differs. */
export async function problemOf(store: ObjectStore, key: string, { digest, bytes }: Recorded): Promise<Problem | undefined> {
  const info = await store.head(key)
  if (info === undefined) return 'missing'
  if (bytes !== undefined && info.size !== bytes) return 'size'
  if (digest === undefined) return undefined
  const held = await found(digestOfObject(store, key))
  if (held === undefined) return 'missing'
  return held.startsWith(digest) ? undefined : 'bytes'
}
