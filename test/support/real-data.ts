import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

/** The folder with real exchange files, if it is at hand; they are read in place and never enter the repository. */
const folder = resolve(process.env['LAKEHOUSE_DATA'] ?? join(import.meta.dirname, '../../../shared/data'))

/** The folder of real files; without it the test is skipped, and fails where CI=true. */
export function realData(context: TestContext): string | undefined {
  if (existsSync(join(folder, 'archive', 'data'))) return folder
  if (process.env['CI'] === 'true') throw new Error(`the real files are missing: ${folder} (LAKEHOUSE_DATA names another place)`)
  context.skip(`no real files at ${folder} (LAKEHOUSE_DATA names another place)`)
  return undefined
}

/** The keys of all klines in the archive of real files. */
export async function realKlineKeys(data: string): Promise<string[]> {
  const names = await readdir(join(data, 'archive'), { recursive: true })
  return names.filter((name) => name.endsWith('.zip') && name.includes('/klines/')).sort()
}
