import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { ObjectStore } from './object-store.ts'

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
