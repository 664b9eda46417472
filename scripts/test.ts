// Runs all checks for contributors: npm test. With arguments, runs only test files whose path contains one of them.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { preparePeers } from './peers.ts'
import { prepareReaders } from './readers.ts'
import { REAL_DATA_OFF } from './real-data-off.ts'

const root = join(import.meta.dirname, '..')
// Test files and the command lines that they start share compiled sources: each start is about 0.3 s shorter.
process.env['NODE_COMPILE_CACHE'] ??= join(root, '.cache', 'compiled-tests')
const only = process.argv.slice(2)
let passed = 0
let failed = 0
let withoutData = 0

function step(name: string, command: string, args: readonly string[]): void {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', command), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (status === 0) passed++
  else failed++
  process.stdout.write(`${status === 0 ? '✔' : '✖'} ${name} (${seconds} s)\n${status === 0 ? '' : `${stdout}${stderr}\n`}`)
}

async function tests(files: readonly string[]): Promise<void> {
  // A test that is skipped because a component is missing counts as failed where everything must be there.
  let missing = 0
  const stream = run({
    files: [...files],
    concurrency: 2,
    cwd: root,
    coverage: only.length === 0,
    coverageIncludeGlobs: ['src/**'],
    coverageExcludeGlobs: ['**/*.test.ts'],
  })
  stream.on('test:pass', ({ skip }) => {
    if (skip === REAL_DATA_OFF) withoutData++
    else if (skip !== undefined && process.env['CI'] === 'true') missing++
  })
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) return
    const { counts } = summary
    passed += counts.passed
    failed += counts.tests - counts.passed - counts.skipped - counts.todo + missing
  })
  stream.on('test:coverage', ({ summary }) => reportCoverage(summary.files))
  for await (const text of stream.compose(spec)) process.stdout.write(String(text))
}

type FileCoverage = {
  readonly path: string
  readonly coveredLinePercent: number
  readonly coveredBranchPercent: number
  readonly totalLineCount: number
  readonly coveredLineCount: number
  readonly totalBranchCount: number
  readonly coveredBranchCount: number
}

/** Prints the coverage of all sources, and of each file that has less than it should. */
function reportCoverage(files: readonly FileCoverage[]): void {
  const sum = (of: (file: FileCoverage) => number) => files.reduce((total, file) => total + of(file), 0)
  const percent = (covered: number, total: number) => ((covered / Math.max(1, total)) * 100).toFixed(2)
  const lines = percent(
    sum((file) => file.coveredLineCount),
    sum((file) => file.totalLineCount),
  )
  const branches = percent(
    sum((file) => file.coveredBranchCount),
    sum((file) => file.totalBranchCount),
  )
  process.stdout.write(`\ncoverage: ${lines} % of lines, ${branches} % of branches in ${files.length} files\n`)
  for (const file of files) {
    const name = relative(root, file.path)
    const least = WHOLE.test(name) ? 100 : 90
    if (file.coveredLinePercent < least)
      process.stdout.write(
        `  below ${least} %: ${name} ${file.coveredLinePercent.toFixed(1)} % of lines, ${file.coveredBranchPercent.toFixed(1)} % of branches\n`,
      )
  }
}

/** Sources that are covered to the last line. */
const WHOLE = /^src\/(core\/|lake\/ledger\/|lake\/iceberg\/commit)/

if (only.length === 0) {
  step('types', 'typescript/bin/tsc', ['--noEmit'])
  step('lint, format and import order within files', '@biomejs/biome/bin/biome', ['ci', '--error-on-warnings', '.'])
  step('dead code', 'knip/bin/knip.js', ['--no-progress'])
}
const files = globSync('{src,test}/**/*.test.ts', { cwd: root }).filter(
  (file) => only.length === 0 || only.some((part) => file.includes(part)),
)
if (files.some((file) => /iceberg-re|tables|glue|foreign|moved|time-zones/.test(file))) await prepareReaders()
if (files.some((file) => /object-store|transfer|s3/.test(file))) await preparePeers()
await tests(files.sort().map((file) => join(root, file)))

if (withoutData > 0) process.stdout.write(`\n${withoutData} tests skipped: ${REAL_DATA_OFF}\n`)
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
