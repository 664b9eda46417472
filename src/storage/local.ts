import { constants, createReadStream, type Dirent, statSync } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { asLakehouseError, LakehouseError, systemCode } from '../core/errors.ts'
import { type ByteRange, checkPathKey, compareKeys, type ObjectInfo, type ObjectStore } from './object-store.ts'
import { isTemporary, mayBeAtWork, temporaryName } from './temporary.ts'

export type LocalOptions = {
  /** Whether only this user may read the object. */
  readonly isPrivate?: (key: string) => boolean
}

const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** A store in a local directory. Writes go to a temporary file, are synced, renamed (or linked, when exclusive), and the folder is synced. */
export function localStore(directory: string, { isPrivate = () => false }: LocalOptions = {}): ObjectStore {
  const root = resolve(directory)
  const path = (key: string) => join(root, checkPathKey(key))
  const inside = new Set<string>()
  const passed: Passed = { leftOut: new Set(), abandoned: new Set() }
  /** The path of a key that is written: a link on its way must not lead out of the store. */
  const target = async (key: string) => {
    const file = path(key)
    const folder = dirname(file)
    if (inside.has(folder)) return file
    await makeFolder(folder, isPrivate(key) ? PRIVATE_FOLDER : undefined)
    const [real, home] = await Promise.all([realpath(folder), realpath(root)])
    if (real !== home && !real.startsWith(`${home}/`))
      throw new LakehouseError(
        'OBJECT_KEY_INVALID',
        `${key} leads out of ${root} through a link: remove the link, or choose another destination`,
        {
          details: { key },
        },
      )
    inside.add(folder)
    return file
  }
  return {
    url: `file://${root}`, // as it is: the readers of our tables do not decode %20
    clientSettings: {},
    capabilities: { putIfAbsent: true, localFiles: true },
    get: (key, range) => guard(key, () => read(path(key), range)),
    stream: (key) => readPieces(path(key), key),
    head: (key) => guard(key, async () => headOf(path(key), key)),
    list: (prefix) => walk(root, prefix, passed),
    leftOut: () => [...passed.leftOut],
    abandoned: () => [...passed.abandoned],
    delete: (key) => guard(key, () => rm(path(key), { force: true })),
    put: (key, body, options) =>
      guard(key, async () =>
        write(await target(key), key, body, { exclusive: options?.ifAbsent === true, mode: isPrivate(key) ? PRIVATE_FILE : undefined }),
      ),
    copy: (from, to) => guard(from, async () => copyObject(path(from), await target(to))),
    folders: async (prefix) => (await entriesOf(join(root, prefix))).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
    files: {
      folders: [root],
      open: async (key) => path(key),
      openParts: async (key) => path(key),
      draft: async (key) => {
        const folder = dirname(path(key))
        await makeFolder(folder)
        return join(folder, temporaryName(extname(key)))
      },
      publish: (draft, key, options) => publishFile(draft, path(key), options),
      sweep: (mayBeAtWork, prefix) => sweepTemporaries(join(root, prefix ?? ''), mayBeAtWork, { deep: prefix === undefined }),
    },
  }
}

/** A store that only this user may read. */
export function privateStore(directory: string): ObjectStore {
  return localStore(directory, { isPrivate: () => true })
}

async function guard<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(error, key)
  }
}

function storeError(error: unknown, key: string): LakehouseError {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR')
    return new LakehouseError('OBJECT_NOT_FOUND', `${key} does not exist`, { details: { key }, cause: error })
  if (code === 'EEXIST') return new LakehouseError('OBJECT_EXISTS', `${key} exists already`, { details: { key }, cause: error })
  const known = asLakehouseError(error)
  if (known.message.includes(key)) return known
  return new LakehouseError(known.code, `${key}: ${known.message}`, { details: { ...known.details, key }, cause: error })
}

async function read(path: string, range: ByteRange | undefined): Promise<Uint8Array> {
  const file = await open(path)
  try {
    if (range === undefined) return await file.readFile()
    const buffer = Buffer.alloc(Math.max(0, range.end - range.start))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, range.start)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const WHOLE_BYTES = 1 << 20

/** A small object in one piece, because a stream costs more than its bytes. */
async function* readPieces(path: string, key: string): AsyncGenerator<Uint8Array> {
  try {
    const size = headOf(path, key)?.size ?? 0
    if (size > 0 && size <= WHOLE_BYTES) yield await readFile(path)
    else yield* createReadStream(path, { highWaterMark: 1 << 18 })
  } catch (error) {
    throw storeError(error, key)
  }
}

/** Asked synchronously: the answer is in the kernel's memory, and a turn of the event loop costs twenty times as much. */
function headOf(path: string, key: string): ObjectInfo | undefined {
  const info = statSync(path, { throwIfNoEntry: false })
  if (info === undefined || !info.isFile()) return undefined
  const lastModifiedMs = Math.floor(info.mtimeMs)
  return { key, size: info.size, etag: `${lastModifiedMs}-${info.size}`, lastModifiedMs }
}

async function write(
  path: string,
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  { exclusive, mode }: { exclusive: boolean; mode: number | undefined },
): Promise<ObjectInfo> {
  const temporary = join(dirname(path), temporaryName())
  try {
    await writeFile(await createFile(temporary, mode), body)
    await publish(temporary, path, exclusive)
    if (exclusive) await unlink(temporary)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const info = headOf(path, key)
  if (info === undefined) throw new LakehouseError('OBJECT_NOT_FOUND', `${key} vanished while it was written`, { details: { key } })
  return info
}

/**
 * Makes a folder and those above it. Not by `recursive`: Node never returns where the system says ENOENT although the parent is there (as in /proc).
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  if (await madeFolder(path, mode)) return
  await makeFolder(dirname(path), mode)
  if (!(await madeFolder(path, mode))) throw Object.assign(new Error(`no folder can be made at ${path}`), { code: 'ENOENT' })
}

/** Whether the folder is there now; false when the one above it is missing. */
async function madeFolder(path: string, mode?: number): Promise<boolean> {
  try {
    await mkdir(path, mode)
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return true
    if (code === 'ENOENT') return false
    throw error
  }
}

/** The folder is made only when it is found missing. */
async function createFile(path: string, mode?: number): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  try {
    return await open(path, flags, mode)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await makeFolder(dirname(path))
    return await open(path, flags, mode)
  }
}

async function writeFile(file: FileHandle, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (body instanceof Uint8Array) await file.writeFile(body)
    else for await (const piece of body) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** `link` fails when the name is taken, `rename` replaces it; both are atomic, and neither is durable before the folder is synced. */
async function publish(temporary: string, path: string, exclusive: boolean): Promise<void> {
  if (exclusive) await link(temporary, path)
  else await rename(temporary, path)
  await syncFolder(dirname(path))
}

/**
 * Puts a finished local file into its final place, durably. The file must lie in the same file system. When `replace` is false and something lies there
 * already, nothing is done and the answer is false.
 */
async function publishFile(temporary: string, path: string, { replace }: { replace: boolean }): Promise<boolean> {
  const file = await open(temporary, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await publish(temporary, path, !replace)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
  if (!replace) await unlink(temporary)
  return true
}

/** Makes what a folder names durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function copyObject(from: string, to: string): Promise<void> {
  const folder = dirname(to)
  await makeFolder(folder)
  const temporary = join(folder, temporaryName())
  try {
    await copyFile(from, temporary)
    await publishFile(temporary, to, { replace: true })
  } finally {
    await rm(temporary, { force: true })
  }
}

/** What listings have passed that are not objects. */
type Passed = { readonly leftOut: Set<string>; readonly abandoned: Set<string> }

/** Names of each kind that are kept. */
const PASSED_MOST = 1000

async function* walk(root: string, prefix: string, passed: Passed): AsyncGenerator<ObjectInfo> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* walkFolder(root, folder, prefix, passed)
}

async function* walkFolder(root: string, folder: string, prefix: string, passed: Passed): AsyncGenerator<ObjectInfo> {
  const note = (names: Set<string>, key: string) => {
    if (names.size < PASSED_MOST) names.add(key)
  }
  for (const entry of await entriesOf(join(root, folder))) {
    const key = folder + entry.name
    if (entry.isDirectory()) {
      if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)) yield* walkFolder(root, `${key}/`, prefix, passed)
    } else if (isTemporary(entry.name)) {
      if (!mayBeAtWork(entry.name)) note(passed.abandoned, key)
    } else if (key.startsWith(prefix)) {
      const info = headOf(join(root, key), key)
      if (info !== undefined) yield info
      else note(passed.leftOut, key)
    }
  }
}

/** A folder sorts as its name and a slash, which is how its objects' keys continue. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  const order = (entry: Dirent) => (entry.isDirectory() ? `${entry.name}/` : entry.name)
  try {
    return (await readdir(folder, { withFileTypes: true })).sort((a, b) => compareKeys(order(a), order(b)))
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []
    throw error
  }
}

/** Removes temporary files under `folder`, or directly in it, whose writers are not at work any more; returns how many. */
export async function sweepTemporaries(
  folder: string,
  mayBeAtWork: (name: string, modifiedMs: number) => boolean,
  { deep } = { deep: true },
): Promise<number> {
  let swept = 0
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) swept += deep ? await sweepTemporaries(path, mayBeAtWork) : 0
    else if (isTemporary(entry.name) && !mayBeAtWork(entry.name, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)) {
      await unlink(path).catch(() => {})
      swept++
    }
  }
  return swept
}

/** Removes a folder, if no files are left in it or in its folders. */
export async function removeEmptyFolders(folder: string): Promise<void> {
  for (const entry of await entriesOf(folder)) if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name))
  await rmdir(folder).catch(() => {})
}
