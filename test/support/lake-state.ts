import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyOf, liveFiles, loadTable, snapshotOf } from '../../src/lake/iceberg/table.ts'
import { everyTable } from '../../src/lake/tables/list-tables.ts'
import { localStore } from '../../src/storage/local.ts'
import { openS3 } from './s3-server.ts'

/** The live data files of every table with their digests: two lakes with the same content give the same. */
export async function liveState(lake: string): Promise<Record<string, string>> {
  const { store, close } = openS3(lake)
  const state: Record<string, string> = {}
  for (const root of await everyTable(store)) {
    const table = await loadTable(store, root)
    if (table === undefined) continue
    for await (const file of liveFiles(table, snapshotOf(table, undefined))) {
      const key = keyOf(store, file.path)
      state[key] = createHash('sha256')
        .update(await store.get(key))
        .digest('hex')
    }
  }
  close()
  return state
}

/** What a lake must not hold when nobody writes: temporary files, registrations, data files and manifests that no snapshot reaches, segments with half a line. */
export async function leftovers(lake: string): Promise<string[]> {
  const store = localStore(lake)
  const names = await readdir(lake, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(lake.length + 1))
  const found = files.filter((name) => name.includes('.tmp-') || name.includes('.spill-') || name.includes('/.runs/'))
  for (const name of files.filter((file) => file.endsWith('.ndjson') && file.includes('_ledger'))) {
    const text = await readFile(join(lake, name), 'utf8')
    if (
      !text.endsWith('\n') ||
      text
        .trimEnd()
        .split('\n')
        .some((line) => !isJson(line))
    )
      found.push(`${name} (half a line)`)
  }
  const reachable = new Set<string>()
  for (const name of files.filter((file) => /\/metadata\/v\d+\.metadata\.json$/.test(file))) {
    const root = name.slice(0, name.indexOf('/metadata/'))
    const newest = (await loadTable(store, root))?.version
    const hint = await readFile(join(lake, root, 'metadata/version-hint.text'), 'utf8').catch(() => 'none')
    if (hint !== String(newest)) found.push(`${root}: the hint says ${hint}, the newest version is ${newest}`)
  }
  for (const root of await everyTable(store)) {
    const loaded = await loadTable(store, root)
    for (const snapshot of loaded?.metadata.snapshots ?? [])
      if (loaded !== undefined) for await (const file of liveFiles(loaded, snapshot)) reachable.add(keyOf(store, file.path))
  }
  return [
    ...found,
    ...files
      .filter((name) => name.endsWith('.parquet') && !name.startsWith('quarantine/') && !reachable.has(name))
      .map((name) => `${name} (orphan)`),
  ]
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
