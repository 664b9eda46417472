// Bundles the sources and their dependencies into one program, which starts much faster. The binary of the engine stays outside.
//   bundle.mjs FOLDER    writes main.js and its parts into a folder (for the package)
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cache, exclusively, guardDisk, isFile, root } from './setup.mjs'

const DAY_MS = 86_400_000

/** Returns the program of the bundle, and builds it again when a source is newer. Writes its path and that of Node to .cache/ready, for bin/crypto-lakehouse. */
export async function ensureBundle(node) {
  const ready = join(cache, 'ready')
  const found = readReady(ready)
  if (found !== undefined && found.node === node && isFile(found.program) && newest() <= statSync(ready).mtimeMs) return found.program
  return await exclusively(async () => {
    const began = new Date()
    const staging = join(cache, `bundle-${process.pid}`)
    await bundle(staging)
    const name = createHash('sha256')
    for (const file of readdirSync(staging, { recursive: true, withFileTypes: true }))
      if (file.isFile()) name.update(readFileSync(join(file.parentPath ?? file.path, file.name)))
    const folder = join(cache, 'bundles', name.digest('hex').slice(0, 16))
    guardDisk(() => {
      mkdirSync(join(cache, 'bundles'), { recursive: true })
      if (existsSync(folder)) rmSync(staging, { recursive: true, force: true })
      else renameSync(staging, folder)
      const program = join(folder, 'main.js')
      writeFileSync(`${ready}.new`, `${node}\n${program}\n`)
      renameSync(`${ready}.new`, ready)
    })
    forgetOld(folder, began)
    return join(folder, 'main.js')
  })
}

function readReady(ready) {
  if (!isFile(ready)) return undefined
  const [node, program] = readFileSync(ready, 'utf8').split('\n')
  return { node, program }
}

/** The time of the last change of a source or of the lock file. */
function newest() {
  let latest = statSync(join(root, 'package-lock.json')).mtimeMs
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }))
    latest = Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs)
  return latest
}

/** Removes bundles that are at least a day old. Newer ones stay, because a running program may still load parts of its bundle. */
function forgetOld(current, now) {
  for (const name of readdirSync(join(cache, 'bundles'))) {
    const folder = join(cache, 'bundles', name)
    if (folder !== current && now.getTime() - statSync(folder).mtimeMs > DAY_MS) rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the bundle into a folder. */
async function bundle(folder) {
  const { build } = await import(pathToFileURL(join(root, 'node_modules/esbuild/lib/main.js')).href)
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'src/cli/main.ts',
      'parts/worker': 'src/silver/build/worker.ts',
      'parts/query-worker': 'src/lakehouse/query-worker.ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    splitting: true,
    outdir: folder,
    chunkNames: 'parts/[name]-[hash]',
    external: ['@duckdb/node-bindings'],
    // Bundled CommonJS modules need `require`.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    logLevel: 'warning',
  })
}

if (process.argv[1] === import.meta.filename && process.argv[2] !== undefined) await bundle(resolve(process.argv[2]))
