// Installs exactly what package-lock.json names, once per lock file; an interrupted installation is repeated.
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, exclusively, guardDisk, isFile, npm, root, say } from './setup.mjs'

/** Makes node_modules hold the locked dependencies of `scope` ('runtime' or 'development', which includes the former). */
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
    const install = () => npm(scope === 'runtime' ? ['ci', '--omit=dev'] : ['ci'], { cwd: root, node })
    try {
      await install()
    } catch (error) {
      if (!/ENOTEMPTY/.test(String(error))) throw error
      // What a killed installation still wrote while this one took it away.
      guardDisk(() => rmSync(join(root, 'node_modules'), { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
      await install()
    }
    guardDisk(() => writeFileSync(marker, JSON.stringify({ lock, scope })))
  })
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
