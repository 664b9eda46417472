import { join } from 'node:path'
import * as z from 'zod'
import { removeEmptyFolders, sweepTemporaries } from '../../storage/local.ts'
import { found, type ObjectStore } from '../../storage/object-store.ts'
import { isRunning, mayBeAtWork, thisWriter } from '../../storage/temporary.ts'
import { withOwnDigest } from '../own-digest.ts'

/** The index: it lists the objects of a backup. It is written last, so it also marks a complete backup. */
export const INDEX = 'backup.json'

/** The folder of the objects that say who makes a backup. Such an object is written before the backup, and removed when the backup is complete. */
const WRITERS = '.writing/'

const writerKey = (folder: string) => `${WRITERS}${folder}.json`

const writer = z.object({ place: z.string(), pid: z.number(), start: z.string() })

/** After this time a backup that another machine did not complete counts as abandoned. */
const ABANDONED_MS = 86_400_000

/**
 * The name of the folder for the next backup: a number greater than that of every backup here, then the time. The number says which backup is the newest, because clocks
 * may differ or go back. Names without a number are those of the first version.
 */
export async function nextFolder(to: ObjectStore, nowMs: number): Promise<string> {
  const numbers = (await to.folders('')).map(numberOf)
  const time = new Date(nowMs).toISOString().replaceAll(/[-:.]/g, '')
  return `${String(Math.max(0, ...numbers) + 1).padStart(7, '0')}-${time}`
}

function numberOf(folder: string): number {
  return Number(/^(\d{7})-\d{8}T\d{9}Z$/.exec(folder)?.[1] ?? 0)
}

/** Announces a backup, and removes what killed backups left here. */
export async function beginFolder(to: ObjectStore, folder: string): Promise<void> {
  const { lastModifiedMs } = await to.put(writerKey(folder), Buffer.from(JSON.stringify(thisWriter())))
  await to.files.sweep(mayBeAtWork, WRITERS)
  for await (const { key, lastModifiedMs: signedMs } of to.list(WRITERS)) {
    const name = key.slice(WRITERS.length, -'.json'.length)
    if (numberOf(name) === 0 || name === folder || !(await isAbandoned(to, key, lastModifiedMs - signedMs))) continue
    if ((await to.head(`${name}/${INDEX}`)) === undefined) await removeFolder(to, name)
    // Last, so that a killed removal is continued.
    await to.delete(key)
  }
}

async function removeFolder(to: ObjectStore, name: string): Promise<void> {
  for await (const { key } of to.list(`${name}/`)) await to.delete(key)
  if (!to.capabilities.localFiles) return
  const [root = ''] = to.files.folders
  await sweepTemporaries(join(root, name), mayBeAtWork)
  await removeEmptyFolders(join(root, name))
}

async function isAbandoned(to: ObjectStore, key: string, ageMs: number): Promise<boolean> {
  const text = Buffer.from((await found(to.get(key))) ?? []).toString('utf8')
  const known = writer.safeParse(text === '' ? undefined : JSON.parse(text))
  const running = known.success ? isRunning(known.data) : undefined
  return running === undefined ? ageMs > ABANDONED_MS : !running
}

/** Marks a backup as complete. */
export async function endFolder(to: ObjectStore, folder: string, index: object): Promise<void> {
  await to.put(`${folder}/${INDEX}`, withOwnDigest(JSON.stringify(index, undefined, 1)))
  await to.delete(writerKey(folder))
}

/** The newest complete backup below an address, or undefined. */
export async function newestFolder(from: ObjectStore): Promise<string | undefined> {
  const names = (await from.folders('')).sort((a, b) => numberOf(b) - numberOf(a) || (a < b ? 1 : -1))
  for (const name of names) if ((await from.head(`${name}/${INDEX}`)) !== undefined) return name
  return undefined
}
