import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { cli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folders.ts'
import { startMock } from '../support/s3-mock.ts'
import { openS3, type S3Server, startVersity } from '../support/s3-server.ts'
import { KILL_LOADS, killTransfers } from '../support/transfer-kill.ts'
import { fill } from '../support/transfers.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

const DAY = (symbol: string, date: string) => `data/spot/daily/klines/${symbol}/1m/${symbol}-1m-${date}.zip`
const KEYS = ['BTCUSDT', 'ETHUSDT'].flatMap((symbol) =>
  ['2024-01-01', '2024-01-02', '2024-02-01'].flatMap((date) => [DAY(symbol, date), `${DAY(symbol, date)}.CHECKSUM`]),
)

type Envelope = {
  run: string
  status: string
  counts: Record<string, number>
  engines: Record<string, number>
  requests: Record<string, number>
  efficiency: Record<string, unknown>
  items: { key: string; action?: string; difference?: string }[]
  conditions: { name: string; met: boolean }[]
  peakRssBytes: number
  errors: { code: string }[]
}

test('sync, verify and report work with filters, dry run, explain, JSON and exit codes', async (context) => {
  const cwd = await temporaryFolder(context)
  const env = { ...server.environment, LAKEHOUSE_SYNC_STATE: join(cwd, 'state') }
  const run = async (...args: string[]) => await cli(args, { cwd, env })
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out) as Envelope
  const [source, destination] = [await server.bucket('cli-src'), await server.bucket('cli-dst')]
  const place = openS3(source)
  await fill(place, [...KEYS, 'data/other.txt'])
  place.close()

  const filter = [
    '--type',
    'klines',
    '--market',
    'spot',
    '--symbols',
    'BTC*',
    '--interval',
    '1m',
    '--from',
    '2024-01-01',
    '--to',
    '2024-02-01',
  ]
  const dry = await run('sync', source, destination, ...filter, '--dry-run')
  assert.deepEqual([dry.code, dry.out.split('\n').filter((line) => line.startsWith('copy ')).length], [0, 4])
  assert.match(dry.out, /4 objects to copy .* nothing was written/)
  const explained = await json('sync', source, destination, '--explain')
  assert.deepEqual(
    explained.conditions.map(({ name, met }) => [name, met]),
    [
      ['mode', true],
      ['sources_are_s3', true],
      ['destination_configured', true],
      ['s5cmd_available', true],
      ['engine_available', true],
    ],
  )
  const part = await json('sync', source, destination, ...filter)
  assert.deepEqual([part.status, part.counts['objectsCopied'], part.engines], ['done', 4, { 'server-copy': 4 }])
  assert.ok((part.requests['CopyObject'] ?? 0) === 4 && part.peakRssBytes > 0 && part.efficiency['networkReduction'] === 1)

  const audit = await run('verify', source, destination)
  assert.deepEqual([audit.code, /missing/.test(audit.out)], [3, true])
  const all = await run('sync', source, destination)
  assert.deepEqual([all.code, /Done in .*: 9 objects/.test(all.out)], [0, true], all.out + all.err)
  assert.match((await run('sync', source, destination)).out, /Nothing to do: all 13 objects are already there/)
  assert.equal((await run('verify', source, destination, '--full')).code, 0)
  const target = openS3(destination)
  await target.store.put('data/besides', Buffer.from('x'))
  await target.store.put(KEYS[0] ?? '', Buffer.from('y'.repeat(300)))
  target.close()
  const differences = await json('verify', source, destination)
  assert.deepEqual(
    [differences.status, differences.items.map(({ key, difference }) => [key, difference])],
    [
      'done_with_findings',
      [
        ['data/besides', 'extra'],
        [KEYS[0], 'different'],
      ],
    ],
  )
  const gone = await run('sync', source, destination, '--sync-mode', 'sync', '--dry-run')
  assert.match(gone.out, /delete data\/besides/)
  const last = await json('sync', source, destination, '--sync-mode', 'sync')
  assert.equal(last.counts['objectsDeleted'], 1)
  const lastRun = last.run
  assert.equal((await run('verify', source, destination)).code, 0)

  const compared = (await json('sync', source, destination, '--compare')) as Envelope & {
    comparison: Record<string, { bytesOnDisk: number; bytesThroughThisMachine: number }>
  }
  assert.deepEqual(
    [
      compared.counts['objectsCompared'],
      compared.comparison['chosen']?.bytesThroughThisMachine,
      compared.comparison['traditional']?.bytesOnDisk,
    ],
    [13, 0, 13 * 300],
  )
  assert.equal((await run('verify', source, destination)).code, 0)

  const report = await json('sync', 'report', lastRun)
  assert.deepEqual([report.counts['objectsDeleted'], report.counts['objectsCopied']], [1, 1])
  assert.match((await run('sync', 'report', lastRun)).out, /engines {2}server-copy 1/)
  await writeFile(join(cwd, 'lakehouse.yaml'), `stores:\n  mine: "${destination}"\nsync:\n  destination: "mine:"\n  source: "${source}"\n`)
  assert.match((await run('sync')).out, /Nothing to do/)
})

test('sync without arguments copies the collection of the configuration', async (context) => {
  const cwd = await temporaryFolder(context)
  await server.bucket('collected')
  // The public archive stands in the collection's place: here a bucket of the test does.
  const source = await server.bucket('collection-src')
  const place = openS3(source)
  await fill(place, KEYS)
  place.close()
  const collection = {
    workflow_type: 'enhanced',
    matrix_path: 'matrix.json',
    output_directory: join(cwd, 'out'),
    markets: ['spot'],
    symbols: ['BTCUSDT'],
    data_types: ['klines'],
    intervals: ['1m'],
    date_range: { start: '2024-01-01', end: '2024-01-02' },
    source_url: source,
    s3_direct_sync: { destination_bucket: 'collected', destination_prefix: 'mirror', s3_config: { endpoint_url: server.endpoint } },
    quality_control: { enable_checksum_validation: false },
  }
  await writeFile(join(cwd, 'lakehouse.yaml'), stringify({ archive_collection: collection }))
  const env = { ...server.environment, LAKEHOUSE_SYNC_STATE: join(cwd, 'state') }
  const { code, out, err } = await cli(['sync', '--json'], { cwd, env })
  const result = JSON.parse(out) as Envelope
  assert.deepEqual([code, result.counts['objectsCopied']], [0, 4], err)
  const target = openS3((await server.bucket('collected')).replace('?', '/mirror?'))
  assert.notEqual(await target.store.head(KEYS[0] ?? ''), undefined)
  target.close()
})

test('wrong options and addresses end with a message and the right exit code', async (context) => {
  const cwd = await temporaryFolder(context)
  const env = { ...server.environment, LAKEHOUSE_SYNC_STATE: join(cwd, 'state') }
  const fails = async (code: number, words: RegExp, ...args: string[]) => {
    const { code: found, err } = await cli(args, { cwd, env })
    assert.deepEqual([found, words.test(err)], [code, true], `${args.join(' ')}: ${found} ${err}`)
  }
  const source = await server.bucket('cli-wrong')
  await fails(2, /no destination/, 'sync', source)
  await fails(2, /not an S3 address: "regoin" is none of/, 'sync', `${source}&regoin=x`, './x')
  await fails(2, /names a store that/, 'sync', source, 'nowhere:prefix')
  await fails(2, /--mode "fast" is not valid/, 'sync', source, './x', '--mode', 'fast')
  await fails(2, /not a duration/, 'sync', source, './x', '--max-duration', 'soon')
  await fails(2, /not a number of bytes/, 'sync', source, './x', '--bwlimit', 'fast')
  await fails(1, /NoSuchBucket/, 'sync', source.replace('cli-wrong', 'there-is-none'), './x')
  await fails(1, /cannot be reached/, 'sync', 's3://bucket?endpoint=http://127.0.0.1:1', './x')
})

test('the next run repairs a transfer that was killed at any moment', async (context) => {
  await killTransfers(server, await temporaryFolder(context), 4, 'test', KILL_LOADS.small)
})

test('the memory of a transfer does not grow with the number of objects', async (context) => {
  const cwd = await temporaryFolder(context)
  const mock = await startMock('--objects', '150000')
  context.after(mock.close)
  const env = { ...server.environment, LAKEHOUSE_SYNC_STATE: join(cwd, 'state') }
  const { out } = await cli(['sync', `s3://source?endpoint=${mock.endpoint}`, `s3://copy?endpoint=${mock.endpoint}`, '--json'], {
    cwd,
    env,
  })
  const { counts, peakRssBytes } = JSON.parse(out) as Envelope
  assert.equal(counts['objectsCopied'], 150_000)
  assert.ok(peakRssBytes < 200e6, `${peakRssBytes} bytes`)
})
