// Installs exactly what package-lock.json names, once per lock file; an interrupted installation is repeated.
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cache, exclusively, guardDisk, isFile, npm, root, say } from './setup.mjs'

/** Installs the locked dependencies of `scope` into node_modules: 'runtime', or 'development', which includes 'runtime'. */
export async function ensureDependencies(node, scope) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const marker = join(cache, 'dependencies.json')
  if (installed(marker, lock, scope)) return
  await exclusively(async () => {
    if (installed(marker, lock, scope)) return
    say(`installing the locked ${scope} dependencies into node_modules (once)`)
    guardDisk(() => rmSync(marker, { force: true }))
    await patiently(() => npm(scope === 'runtime' ? ['ci', '--omit=dev'] : ['ci'], { cwd: root, node }))
    guardDisk(() => writeFileSync(marker, JSON.stringify({ lock, scope })))
  })
}

/** Repeats a removal: processes of a killed installation may still write for a few seconds. */
async function patiently(install) {
  for (let left = 10; ; left--) {
    try {
      return await install()
    } catch (error) {
      if (left === 0 || !/ENOTEMPTY/.test(String(error))) throw error
      await delay(2000)
    }
  }
}

function installed(marker, lock, scope) {
  if (!isFile(marker) || !isFile(join(root, 'node_modules', '.package-lock.json'))) return false
  try {
    const state = JSON.parse(readFileSync(marker, 'utf8'))
    return state.lock === lock && (state.scope === scope || state.scope === 'development')
  } catch {
    return false
  }
}
