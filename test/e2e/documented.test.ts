import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { allCommands } from '../../src/cli/commands/registry.ts'
import { settings } from '../../src/config/schema.ts'
import { smallArchive } from '../support/archives.ts'
import { cli, MAIN } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'

/** Values of settings without a default. */
const VALUES: Readonly<Record<string, string>> = {
  glue: '{"region":"eu-west-1"}',
  archive_collection: '{"workflow_type":"x","s3_direct_sync":{"destination_bucket":"bucket"}}',
  stores: '{"a":"s3://bucket"}',
  'sync.encryption': 'AES256',
  'catalog.token': 'secret',
}

test('every documented environment variable is accepted and takes effect', async (context) => {
  const cwd = await temporaryFolder(context)
  const env = Object.fromEntries(
    settings().map(({ key, environment, fallback }) => {
      const usual = Array.isArray(fallback) ? fallback.join(',') : fallback === null ? 'null' : String(fallback ?? '')
      return [environment, VALUES[key] ?? (usual === '' ? 'x' : usual)]
    }),
  )
  const { code, out, err } = await cli(['config', 'show', '--json'], { cwd, env })
  assert.equal(code, 0, `${err}${out.slice(0, 600)}`)
  const { items } = JSON.parse(out) as { items: { key: string; source: string }[] }
  assert.deepEqual(
    items.filter(({ source }) => source !== 'environment'),
    [],
  )
})

test('every documented option is accepted by its command', async (context) => {
  const cwd = await temporaryFolder(context)
  for (const [name, { options }] of Object.entries(await allCommands())) {
    const given = Object.entries(options).flatMap(([option, { type, choices }]) =>
      type === 'boolean' ? [`--${option}`] : [`--${option}`, choices?.[0] ?? 'x'],
    )
    const { code, out, err } = await cli([name, ...given, '--help'], { cwd })
    assert.equal(code, 0, `${name} ${given.join(' ')}: ${err}`)
    for (const option of Object.keys(options)) assert.match(out, new RegExp(`--${option}\\b`), `${name}: help does not name --${option}`)
  }
})

/** What an example needs of the outside world, or what never ends. */
const ELSEWHERE = /s3:\/\/|sync binance|verify binance|catalog-server|^source|backup \/mnt|restore \/mnt/

/** How an example may fail on a lake with few days of two symbols: nothing there, never a wrong command line. */
const ABSENT = /TABLE_NOT_FOUND|ROW_NOT_FOUND|OBJECT_NOT_FOUND|SNAPSHOT_NOT_FOUND|INDICATOR_INVALID|no transfer has finished|answer\.json/

test('every documented example runs as it is written', async (context) => {
  const cwd = await temporaryFolder(context)
  await smallArchive(join(cwd, 'archive'), { start: Date.UTC(2024, 0, 1), days: 3 })
  const env = { LAKEHOUSE_ARCHIVE_ORIGIN: 'archive', LAKEHOUSE_SYNC_STATE: join(cwd, 'state') }
  await mkdir(join(cwd, 'bin'))
  assert.equal((await cli(['ingest', 'all'], { cwd, env })).code, 0)
  let started = 0
  for (const [name, { examples = [] }] of Object.entries(await allCommands()))
    for (const example of examples) {
      if (ELSEWHERE.test(example)) continue
      const shell = spawn('/bin/sh', ['-c', example.replaceAll('crypto-lakehouse ', `"${process.execPath}" "${MAIN}" `)], {
        cwd,
        env: { ...process.env, ...env },
      })
      const pieces: string[] = []
      for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (data) => void pieces.push(String(data)))
      const [code] = (await once(shell, 'close')) as [number]
      started++
      const text = pieces.join('')
      assert.ok(code === 0 || code === 3 || ABSENT.test(text), `${name}: ${example}: ${code} ${text.slice(0, 400)}`)
    }
  assert.ok(started >= 30, String(started))
})
