import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../support/folders.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** Commands of this very Node and of our development tools before those of the machine. */
async function optionsFor(bin: string) {
  await mkdir(bin)
  await symlink(process.execPath, join(bin, 'node'))
  const PATH = [bin, join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return (cwd: string) => ({ cwd, env: { ...process.env, PATH, NO_COLOR: '1' }, maxBuffer: 1 << 26 })
}

test('the package passes publint and attw, and its bin and types work when installed', async (context) => {
  const folder = await temporaryFolder(context)
  const options = await optionsFor(join(folder, 'bin'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], options(root))
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }]
  const tarball = join(folder, filename)
  await run('publint', ['--strict'], options(root))
  await run('attw', ['--profile', 'esm-only', tarball], options(root))
  const home = join(folder, 'home')
  await mkdir(home)
  await writeFile(join(home, 'package.json'), '{"private":true,"type":"module"}')
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], options(home))
  const demo = await run('npx', ['crypto-lakehouse', 'demo', '--simulated'], options(home))
  assert.match(demo.stdout, /BTCUSDT, one candle per day/)
  const lake = (await readdir(home, { recursive: true })).find((name) => name.endsWith('lakehouse.json')) ?? assert.fail()
  const answered = await run('npx', ['crypto-lakehouse', 'query', '--lake', dirname(lake), '--json', 'SELECT 42 AS answer'], options(home))
  assert.deepEqual((JSON.parse(answered.stdout) as { items: object[] }).items, [{ answer: 42 }])
  const program =
    "import { Lakehouse, ERROR_CODES, parseArchiveKey } from 'crypto-lakehouse'; console.log(typeof Lakehouse, Object.keys(ERROR_CODES).length > 20, typeof parseArchiveKey)"
  assert.equal((await run(process.execPath, ['--input-type=module', '-e', program], options(home))).stdout.trim(), 'function true function')
})
