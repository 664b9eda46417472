// Everything a contributor must pass, in one run: npm test. Arguments narrow it down to test files whose path contains one of them.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { preparePeers } from './peers.ts'
import { prepareReaders } from './readers.ts'

const root = join(import.meta.dirname, '..')
const only = process.argv.slice(2)
let passed = 0
let failed = 0

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
  const stream = run({ files: [...files], concurrency: 2, cwd: root })
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) return
    const { counts } = summary
    passed += counts.passed
    // A test that needs a component that is missing must not pass by being skipped where everything is to be there.
    const missing = process.env['CI'] === 'true' ? 0 : counts.skipped + counts.todo
    failed += counts.tests - counts.passed - missing
  })
  for await (const text of stream.compose(spec)) process.stdout.write(String(text))
}

if (only.length === 0) {
  step('types', 'typescript/bin/tsc', ['--noEmit'])
  step('lint, format and import order within files', '@biomejs/biome/bin/biome', ['ci', '--error-on-warnings', '.'])
  step('dead code', 'knip/bin/knip.js', ['--no-progress'])
}
const files = globSync('{src,test}/**/*.test.ts', { cwd: root }).filter(
  (file) => only.length === 0 || only.some((part) => file.includes(part)),
)
if (files.some((file) => /iceberg-re|tables|glue/.test(file))) await prepareReaders()
if (files.some((file) => /object-store|transfer|s3/.test(file))) await preparePeers()
await tests(files.sort().map((file) => join(root, file)))

process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
