import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { REAL_DATA_OFF } from '../../scripts/real-data-off.ts'

/** The folder of real exchange files, which LAKEHOUSE_DATA names: they are read in place. Without the variable the test is skipped; a folder without files is an error. */
export function realData(context: TestContext): string | undefined {
  const named = process.env['LAKEHOUSE_DATA'] ?? ''
  if (named === '') {
    context.skip(REAL_DATA_OFF)
    return undefined
  }
  const folder = resolve(named)
  if (!existsSync(join(folder, 'archive', 'data'))) throw new Error(`LAKEHOUSE_DATA names ${folder}, which holds no archive/data`)
  return folder
}

/** The keys of all klines in the archive of real files. */
export async function realKlineKeys(data: string): Promise<string[]> {
  const names = await readdir(join(data, 'archive'), { recursive: true })
  return names.filter((name) => name.endsWith('.zip') && name.includes('/klines/')).sort()
}
