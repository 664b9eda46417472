import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Other engines that must read our tables, and the library to compare indicators with. Pinned, because DuckDB extensions load only into exactly their version. */
const PACKAGES = [
  'pyiceberg[pyarrow,sql-sqlite,pyiceberg-core]==0.12.0',
  'duckdb==1.5.5',
  'duckdb-extension-avro==1.5.5',
  'duckdb-extension-httpfs==1.5.5',
  'duckdb-extension-iceberg==1.5.5',
  'moto[glue,server]==5.2.0',
  'TA-Lib==0.8.2',
  'pandas==3.1.1',
]

/** The next version of the engine, in an environment of its own. */
const NEXT_PACKAGES = ['duckdb==2.0.1']

const cache = join(import.meta.dirname, '..', '.cache')

/** The Python interpreter of the environment with the readers. */
export const READERS_PYTHON = join(cache, 'readers', 'bin', 'python')

/** The Python interpreter of the environment with DuckDB 2. */
export const DUCKDB2_PYTHON = join(cache, 'duckdb2', 'bin', 'python')

/** Installs the readers into .cache/readers and .cache/duckdb2, once. Throws with the output of pip or venv. */
export async function prepareReaders(): Promise<void> {
  await prepare('readers', PACKAGES, 'pyiceberg, DuckDB with its iceberg extension and TA-Lib')
  await prepare('duckdb2', NEXT_PACKAGES, 'DuckDB 2')
}

async function prepare(name: string, packages: readonly string[], what: string): Promise<void> {
  const target = join(cache, name)
  const marker = join(target, 'packages.json')
  if (existsSync(marker) && (await readFile(marker, 'utf8')) === JSON.stringify(packages)) return
  process.stdout.write(`installing ${what} into .cache/${name} (once)\n`)
  await rm(target, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  await run('python3', ['-m', 'venv', target])
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
  await run(join(target, 'bin', 'python'), pip, { maxBuffer: 1 << 26 })
  const written = `${marker}.new`
  await writeFile(written, JSON.stringify(packages))
  await rename(written, marker)
}
