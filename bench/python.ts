import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PACKAGES = [
  'polars==2.1.0',
  'duckdb==1.5.5',
  'pandas',
  'pyarrow',
  'arcticdb==6.28.2',
  'TA-Lib==0.8.2',
  'tulipy==0.4.0',
  'pandas-ta-classic==0.8.32',
]
const target = join(import.meta.dirname, '..', '.cache', 'bench', 'python')

/** The Python interpreter of the environment with the peers. */
export const BENCH_PYTHON = join(target, 'bin', 'python')

/** Installs the peers into .cache/bench, once. */
export async function preparePeers(): Promise<void> {
  const marker = join(target, 'packages.json')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === JSON.stringify(PACKAGES)) return
  await rm(target, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', target])
  await run(BENCH_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { maxBuffer: 1 << 26 })
  await writeFile(marker, JSON.stringify(PACKAGES))
}
