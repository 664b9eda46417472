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

const cache = join(import.meta.dirname, '..', '.cache')

/** The Python interpreter of the environment with the readers. */
export const READERS_PYTHON = join(cache, 'readers', 'bin', 'python')

/** Installs the readers into .cache/readers, once. Throws with the output of pip or venv. */
export async function prepareReaders(): Promise<void> {
  const target = join(cache, 'readers')
  const marker = join(target, 'packages.json')
  if (existsSync(marker) && (await readFile(marker, 'utf8')) === JSON.stringify(PACKAGES)) return
  process.stdout.write('installing pyiceberg, DuckDB with its iceberg extension and TA-Lib into .cache/readers (once)\n')
  await rm(target, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  await run('python3', ['-m', 'venv', target])
  await run(READERS_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { maxBuffer: 1 << 26 })
  const written = `${marker}.new`
  await writeFile(written, JSON.stringify(PACKAGES))
  await rename(written, marker)
}
