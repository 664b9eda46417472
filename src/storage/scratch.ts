import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mayBeAtWork, temporaryName } from './temporary.ts'

let swept: Promise<void> | undefined

/** A folder of this process's own for what is needed for a while; whoever makes it removes it. What killed processes have left goes with the first one that is made. */
export async function makeScratch(): Promise<string> {
  const root = join(tmpdir(), `crypto-lakehouse-${process.getuid?.() ?? 'user'}`)
  await mkdir(root, { recursive: true, mode: 0o700 })
  // Anybody may put a link, or a folder of theirs, at this name in a shared temporary folder: only a real folder of this user is used and swept.
  if (!(await isOwnFolder(root))) return await mkdtemp(`${root}-`)
  swept ??= sweep(root)
  await swept
  const folder = join(root, temporaryName())
  await mkdir(folder, { mode: 0o700 })
  return folder
}

/** Whether the path is a folder, not a link to one, that belongs to this user; others lose their access to it. */
async function isOwnFolder(path: string): Promise<boolean> {
  const info = await lstat(path)
  if (!info.isDirectory()) return false
  if (process.getuid === undefined) return true
  if (info.uid !== process.getuid()) return false
  if ((info.mode & 0o077) !== 0) await chmod(path, 0o700)
  return true
}

/** Removes folders that are named as ours are and whose process is dead. Anything else stays. */
async function sweep(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true }))
    if (entry.isDirectory() && !mayBeAtWork(entry.name)) await rm(join(root, entry.name), { recursive: true, force: true }).catch(() => {})
}
