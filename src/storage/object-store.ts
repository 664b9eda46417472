import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'

/** What a store knows of an object without reading it. Times are milliseconds since 1970. */
export type ObjectInfo = { readonly key: string; readonly size: number; readonly etag: string; readonly lastModifiedMs: number }

/** What a backend can do; callers ask this, never which backend it is. */
type StoreCapabilities = {
  /** `put` with `ifAbsent` is truly exclusive. */
  readonly putIfAbsent: boolean
  /** Objects are files of this machine, and keys their paths. */
  readonly localFiles: boolean
}

type ChooseParts = (file: { path: string; size: number }, need: (ranges: readonly ByteRange[]) => Promise<void>) => Promise<boolean>

/** Objects as files of this machine, for engines that read and write nothing else: the objects themselves, or copies of them. */
export type StoreFiles = {
  /** The folders in which they lie. */
  readonly folders: readonly string[]
  /** The file that holds an object. Throws OBJECT_NOT_FOUND, where objects are files not before it is read. */
  open(key: string): Promise<string>
  /**
   * The same, or a file of its size in which some ranges are the object's bytes and the rest may be zeros: `choose` asks for ranges with `need`, looks at the file, and
   * answers whether the parts suffice; otherwise it is the whole that is opened.
   */
  openParts(key: string, choose: ChooseParts): Promise<string>
  /** Where the file can be written that is to become `key`. */
  draft(key: string): Promise<string>
  /** Makes a finished draft the object, durably. When `replace` is false and there is one already, nothing is done and the answer is false. */
  publish(draft: string, key: string, options: { replace: boolean }): Promise<boolean>
  /** Removes drafts whose writers are not at work any more, with `prefix` only those directly in that folder of the store; returns how many. */
  sweep(mayBeAtWork: (name: string, modifiedMs: number) => boolean, prefix?: string): Promise<number>
}

export type ByteRange = { readonly start: number; readonly end: number }

/**
 * Objects by key. Keys are relative paths of UTF-8 segments joined by `/`; buckets take any name besides.
 * Errors: OBJECT_NOT_FOUND, OBJECT_EXISTS, OBJECT_KEY_INVALID, DISK_FULL.
 */
export type ObjectStore = {
  /** The store's address: file:///… */
  readonly url: string
  /** How other programs reach the store, in the names that Iceberg clients use: s3.endpoint, s3.region … Never credentials. */
  readonly clientSettings: Readonly<Record<string, string>>
  readonly capabilities: StoreCapabilities
  /** The bytes of an object, or of its half-open byte range. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>
  /** The bytes in pieces, for objects of any size. */
  stream(key: string): AsyncIterable<Uint8Array>
  /** Writes the whole object or nothing: readers see the former object until the new one is durable. */
  put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: { ifAbsent?: boolean }): Promise<ObjectInfo>
  /** What is known of an object, or undefined when there is none. */
  head(key: string): Promise<ObjectInfo | undefined>
  /** Objects whose key begins with `prefix`, in ascending order of their keys' UTF-8 bytes. */
  list(prefix: string): AsyncIterable<ObjectInfo>
  copy(from: string, to: string): Promise<void>
  /** Removes an object; an object that does not exist is not an error. */
  delete(key: string): Promise<void>
  /** The names of the folders directly below a prefix that ends with a slash, without the slash, in order. */
  folders(prefix: string): Promise<string[]>
  readonly files: StoreFiles
  /** Entries that listings have left out because they are not objects: links that lead nowhere or to folders, pipes, names that are not UTF-8. At most 1,000 names. */
  readonly leftOut?: () => readonly string[]
  /** Temporary files that listings have passed and whose writers are dead. At most 1,000 names. */
  readonly abandoned?: () => readonly string[]
}

/** Surrogates and what sorts after them. */
const BEYOND = /[\ud800-\uffff]/

/** Compares keys as object stores order them: by UTF-8 bytes, which differs from JavaScript's order beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  // Up to U+D7FF both orders agree, and the cheap one decides.
  return BEYOND.test(a) || BEYOND.test(b) ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : a < b ? -1 : 1
}

/** The key itself when it can be a file's path below a folder. Throws OBJECT_KEY_INVALID for one that is empty, absolute, climbs or holds a NUL or a backslash. */
export function checkPathKey(key: string): string {
  checkKey(key)
  if (key.includes('\\') || key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) throw invalidKey(key)
  return key
}

/** Bytes of the longest key. */
const KEY_BYTES = 1024

/**
 * The key itself when a bucket can hold it. Throws OBJECT_KEY_INVALID for one that is empty, longer than 1,024 bytes, holds a NUL, or has a segment `.` or `..`:
 * on the way to the store such a segment may be resolved, and reach another object.
 */
export function checkKey(key: string): string {
  if (key === '' || key.includes('\0') || Buffer.byteLength(key) > KEY_BYTES || /(^|\/)\.\.?(\/|$)/.test(key)) throw invalidKey(key)
  return key
}

function invalidKey(key: string): LakehouseError {
  return new LakehouseError(
    'OBJECT_KEY_INVALID',
    `"${printable(key).slice(0, 300)}" is not a valid object key: it is empty, too long, or has a segment that is not a name`,
    { details: { key } },
  )
}

/** What a call on an object gives, or undefined when there is no such object. */
export async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (asLakehouseError(error).code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** The files that hold objects, in the order of the keys. Where they are copies, some are fetched at once. */
export async function openAll({ files }: ObjectStore, keys: readonly string[]): Promise<string[]> {
  const paths: string[] = []
  for (let at = 0; at < keys.length; at += OPENED_AT_ONCE)
    paths.push(...(await Promise.all(keys.slice(at, at + OPENED_AT_ONCE).map((key) => files.open(key)))))
  return paths
}

const OPENED_AT_ONCE = 16
