import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mayBeAtWork, temporaryName } from './temporary.ts'

let swept: Promise<void> | undefined

/** A folder of this process's own for what is needed for a while; whoever makes it removes it. What killed processes have left goes with the first one that is made. */
export async function makeScratch(): Promise<string> {
  const root = join(tmpdir(), `crypto-lakehouse-${process.getuid?.() ?? 'user'}`)
  await mkdir(root, { recursive: true, mode: 0o700 })
  // In a folder that all may write to, somebody else may have been first.
  if (process.getuid !== undefined && (await stat(root)).uid !== process.getuid()) return await mkdtemp(`${root}-`)
  swept ??= sweep(root)
  await swept
  const folder = join(root, temporaryName())
  await mkdir(folder)
  return folder
}

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root))
    if (!mayBeAtWork(name)) await rm(join(root, name), { recursive: true, force: true }).catch(() => {})
}
