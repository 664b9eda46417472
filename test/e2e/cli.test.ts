import assert from 'node:assert/strict'
import { execFileSync, execSync } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { serveArchive } from '../../src/simulator/server.ts'
import { DEFAULT_SOURCE } from '../../src/sources/registry.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { cli } from '../support/cli.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const INGEST = ['ingest', 'klines', '--archive', 'archive', '--symbols', 'BTCUSDT', '--interval', '1m']

let cwd = ''

before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-test-'))
  const defects = new Map([[dailyKey('BTCUSDT', '2024-02-01'), [{ kind: 'missing-lines' as const, from: 5, count: 3 }]]])
  await smallArchive(join(cwd, 'archive'), { tradesPerDay: 300, defects })
})

after(() => rm(cwd, { recursive: true, force: true }))

test('ingest plans, runs and runs again, with the documented JSON keys and exit codes', async () => {
  const dry = await cli([...INGEST, '--dry-run'], { cwd })
  assert.equal(dry.code, 0)
  assert.match(dry.out, /spot klines BTCUSDT 1m: 4 files.*\n4 files.*nothing was written/)
  await assert.rejects(access(join(cwd, 'lakehouse')))
  const first = await cli([...INGEST, '--json'], { cwd })
  assert.equal(first.code, 3, first.err)
  const report = JSON.parse(first.out) as { [key: string]: unknown; counts: Record<string, number>; findings: { check: string }[] }
  for (const key of ['command', 'status', 'startedAt', 'durationMs', 'counts', 'findings', 'errors', 'peakRssBytes'])
    assert.ok(key in report, key)
  assert.equal(report['status'], 'done_with_findings')
  const { filesPlanned, filesFetched, filesSkipped, filesQuarantined, rowsRead, rowsWritten, rowsRejected, duplicatesDropped } =
    report.counts
  assert.deepEqual(
    { filesPlanned, filesFetched, filesSkipped, filesQuarantined, rowsRead, rowsWritten, rowsRejected, duplicatesDropped },
    {
      filesPlanned: 4,
      filesFetched: 4,
      filesSkipped: 0,
      filesQuarantined: 0,
      rowsRead: 5757,
      rowsWritten: 5757,
      rowsRejected: 0,
      duplicatesDropped: 0,
    },
  )
  assert.deepEqual(
    report.findings.map((finding) => finding.check),
    ['gap'],
  )
  const second = await cli(INGEST, { cwd })
  assert.deepEqual([second.code, /Nothing to do/.test(second.out)], [0, true])
  const quiet = await cli([...INGEST, '--quiet'], { cwd })
  assert.equal(quiet.err, '')
})

test('query writes every format; a reader that closes the pipe early is not a failure', async () => {
  const sql = 'SELECT symbol, close FROM silver.binance_spot_klines_1m ORDER BY open_time'
  const table = await cli(['query', `${sql} LIMIT 2`], { cwd })
  assert.match(table.out, /^symbol +close\n─+ +─+\nBTCUSDT +[\d.]+\nBTCUSDT +[\d.]+\n\(2 rows\)\n$/)
  const csv = await cli(['query', sql, '--format', 'csv'], { cwd })
  assert.equal(csv.out.trimEnd().split('\n').length, 5758)
  const ndjson = await cli(['query', `${sql} LIMIT 3`, '--format', 'ndjson'], { cwd })
  assert.deepEqual(
    ndjson.out
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object)),
    Array.from({ length: 3 }, () => ['symbol', 'close']),
  )
  const file = await cli(['query', sql, '--format', 'parquet', '-o', 'out.parquet', '--json'], { cwd })
  assert.equal((JSON.parse(file.out) as { output: string }).output, 'out.parquet')
  assert.equal((await readFile(join(cwd, 'out.parquet'))).subarray(0, 4).toString(), 'PAR1')
  const items = await cli(['query', 'SELECT count(*) AS n, min(open_time) AS first FROM silver.binance_spot_klines_1m', '--json'], { cwd })
  assert.deepEqual((JSON.parse(items.out) as { items: unknown }).items, [{ n: 5757, first: '2024-01-30T00:00:00Z' }])
  const scratch = await mkdtemp(join(cwd, 'scratch-'))
  const head = execSync(`"${process.execPath}" "${MAIN}" query "${sql}" --format csv | head -2`, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: scratch },
    shell: '/bin/bash',
  })
  assert.equal(head.split('\n')[0], 'symbol,close')
  assert.deepEqual(await readdir(join(scratch, `crypto-lakehouse-${process.getuid?.() ?? 'user'}`)), [])
  const explained = await cli(['query', `${sql.replace('ORDER', "WHERE symbol = 'NONE' ORDER")}`, '--explain'], { cwd })
  assert.match(explained.out, /0 files of 2/)
})

test('status prints the tables, the objects and the runs', async () => {
  const { code, out } = await cli(['status', '--json'], { cwd })
  const report = JSON.parse(out) as { items: { name: string; rows: number; from: string }[]; objects: unknown[]; runs: unknown[] }
  assert.equal(code, 0)
  const silver = report.items.find((item) => item.name === 'silver.binance_spot_klines_1m')
  assert.deepEqual([silver?.rows, silver?.from], [5757, '2024-01-30T00:00:00Z'])
  assert.ok(report.runs.length >= 1)
  assert.match((await cli(['status'], { cwd })).out, /gold\.binance_spot_bars_1d/)
})

test('catalog prints the matrix, the symbols and the files', async () => {
  const matrix = JSON.parse((await cli(['catalog', 'matrix', '--json'], { cwd })).out) as { items: { type: string; market: string }[] }
  assert.equal(matrix.items.length, DEFAULT_SOURCE.offers.length)
  assert.equal(
    (JSON.parse((await cli(['catalog', 'matrix', '--type', 'premiumIndex', '--json'], { cwd })).out) as { items: unknown[] }).items.length,
    2,
  )
  const symbols = await cli(['catalog', 'symbols', '--archive', 'archive', '--symbols', 'E*'], { cwd })
  assert.equal(symbols.out, 'spot\tklines\tETHUSDT\n')
  const files = JSON.parse(
    (
      await cli(['catalog', 'files', '--archive', 'archive', '--type', 'klines', '--from', '2024-01-31', '--to', '2024-02-02', '--json'], {
        cwd,
      })
    ).out,
  ) as { items: { key: string; size: number }[] }
  assert.deepEqual(
    files.items.map((item) => item.key),
    ['BTCUSDT', 'ETHUSDT'].flatMap((symbol) => ['2024-01-31', '2024-02-01'].map((date) => dailyKey(symbol, date))),
  )
})

test('a wrong command line ends with a message and exit code 2', async () => {
  const cases: [string[], RegExp][] = [
    [['inqest'], /unknown command "inqest", did you mean ingest\?/],
    [['ingest'], /takes exactly one data type/],
    [['ingest', 'candlestix'], /unknown data type/],
    [['ingest', 'klines', '--market', 'moon'], /unknown market/],
    [['ingest', 'klines', '--interval', '7m'], /unknown interval/],
    [['ingest', 'klines', '--from', '2024-13-01'], /is not a date/],
    [['ingest', 'klines', '--from', '2024-02-01', '--to', '2024-01-01'], /must be before/],
    [['ingest', 'klines', '--layers', 'lead'], /unknown layer/],
    [['ingest', 'klines', '--archive', 'nowhere'], /the directory does not exist/],
    [['ingest', 'klines', '--archive', '.'], /does not contain the folder data\//],
    [['ingest', 'klines', '--wat'], /Unknown option '--wat'/],
    [['query'], /takes exactly one SQL text/],
    [['query', 'SELECT 1', '--format', 'xml'], /write one of table, json/],
    [['query', 'DROP TABLE x'], /only SELECT/],
    [['config'], /config show/],
    [['status', 'extra'], /takes no arguments/],
    [['help', 'nope'], /unknown command/],
    [['status', '--lake', 'none'], /does not hold a lake/],
    [['ingest', 'klines', '--archive', 'archive', '--lake', 'lakehouse/lakehouse.json'], /it is a file; choose a directory/],
    [['query', "SELECT 'a'::int"], /Could not convert string/],
    [['completion', 'tcsh'], /one shell/],
    [['catalog', 'planets'], /no verb "planets"/],
    [['status', '--config', 'none.yaml'], /none\.yaml cannot be read/],
    [['status', '--lake', 'ftp://host/x'], /is not an address of a store/],
  ]
  for (const [args, message] of cases) {
    const { code, err, out } = await cli(args, { cwd })
    assert.match(err, message, args.join(' '))
    assert.deepEqual([code, out], [2, ''], args.join(' '))
  }
  const nothing = await cli(['ingest', 'klines', '--archive', 'archive', '--symbols', 'BTCUSTD'], { cwd })
  assert.deepEqual([nothing.code, /Nothing was selected[\s\S]*nothing matches the selection \(BTCUSTD\)/.test(nothing.out)], [3, true])
  const micro = await cli(['query', "SELECT TIMESTAMPTZ '2024-01-01 00:00:00.123456+00' AS t, DATE '2024-01-01' AS d"], { cwd })
  assert.match(micro.out, /2024-01-01T00:00:00\.123456Z +2024-01-01\n\(1 row\)/)
  assert.match((await cli(['query', 'DESCRIBE silver.binance_spot_klines_1m;'], { cwd })).out, /taker_buy_quote_volume +DOUBLE/)
  assert.match((await cli(['query', 'SELECT 1', '--format', 'csv', '-o', 'none/x.csv'], { cwd })).err, /no folder .*none.*OUTPUT_FAILED/)
  const json = await cli(['query', 'SELEC 1', '--json', '-o', 'x'], { cwd })
  const report = JSON.parse(json.out) as { status: string; errors: { code: string }[] }
  assert.deepEqual([json.code, report.status, report.errors.map((error) => error.code)], [2, 'failed', ['SQL_INVALID']])
})

test('a missing lake and a folder with other files have different errors', async () => {
  assert.match((await cli(['status', '--lake', 'none'], { cwd })).err, /does not hold a lake/)
  const { code, err } = await cli([...INGEST, '--lake', 'archive'], { cwd })
  assert.deepEqual([code, /has other files but not lakehouse\.json/.test(err)], [2, true])
  const nowhere = await cli([...INGEST, '--lake', '/proc/lake'], { cwd })
  assert.deepEqual([nowhere.code, /cannot create the lake/.test(nowhere.err)], [2, true], nowhere.err)
})

test('flags override environment, file and defaults; a wrong key names the nearest key', async () => {
  const made = await cli(['init', '--config', 'made.yaml'], { cwd })
  assert.equal(made.code, 0)
  assert.equal((await cli(['init', '--config', 'made.yaml'], { cwd })).code, 2)
  const sources = async (args: string[], env = {}) => {
    const { out, err } = await cli(['config', 'show', '--json', ...args], { cwd, env })
    assert.equal(err, '')
    return Object.fromEntries(
      (JSON.parse(out) as { items: { key: string; value: unknown; source: string }[] }).items.map((item) => [
        item.key,
        [item.value, item.source],
      ]),
    )
  }
  assert.deepEqual((await sources(['--config', 'made.yaml']))['archive.attempts'], [6, 'default'])
  await writeFile(join(cwd, 'own.yaml'), 'lake: from-file\narchive:\n  attempts: 3\n')
  const own = ['--config', 'own.yaml']
  assert.deepEqual((await sources(own))['lake'], ['from-file', 'file'])
  assert.deepEqual((await sources(own, { LAKEHOUSE_LAKE: 'from-env', LAKEHOUSE_GOLD_INTERVALS: '1h,1d' }))['lake'], [
    'from-env',
    'environment',
  ])
  assert.deepEqual((await sources([...own, '--lake', 'from-flag'], { LAKEHOUSE_LAKE: 'from-env' }))['lake'], ['from-flag', 'flag'])
  assert.deepEqual((await sources(['--config', 'own.yaml'], { LAKEHOUSE_ARCHIVE_ORIGIN: 'https://user:pass@host/x' }))['archive.origin'], [
    'https://***@host/x',
    'environment',
  ])
  const wrong: [string, Record<string, string>, RegExp][] = [
    ['archive:\n  atempts: 3\n', {}, /unknown key archive\.atempts: did you mean archive\.attempts\?/],
    ['laek: x\n', {}, /unknown key laek: did you mean lake\?/],
    ['archive:\n  attempts: many\n', {}, /archive\.attempts: /],
    ['gold:\n  intervals: [7m]\n', {}, /gold\.intervals/],
    ['- a\n', {}, /not a mapping/],
    ['a: [\n', {}, /is not valid YAML at line 2/],
    ['{}', { LAKEHOUSE_LAKEE: 'x' }, /unknown environment variable LAKEHOUSE_LAKEE: did you mean LAKEHOUSE_LAKE\?/],
    ['{}', { LAKEHOUSE_ENGINE_WORKERS: '0' }, /engine\.workers/],
  ]
  for (const [text, env, message] of wrong) {
    await writeFile(join(cwd, 'wrong.yaml'), text)
    const { code, err } = await cli(['config', 'show', '--config', 'wrong.yaml'], { cwd, env })
    assert.match(err, message, text)
    assert.equal(code, 2)
  }
})

test('doctor names each problem and the command that fixes it', async () => {
  const good = await cli(['doctor', '--archive', 'archive'], { cwd })
  assert.deepEqual([good.code, good.out.includes('MISSING')], [0, false], good.out)
  const bad = await cli(['doctor', '--archive', 'http://127.0.0.1:9'], { cwd })
  assert.equal(bad.code, 3)
  assert.match(bad.out, /MISSING {2}archive +cannot reach.*\n +to fix it: check the network/)
})

test('help, version and completion print their texts', async () => {
  for (const name of ['demo', 'catalog', 'ingest', 'query', 'status', 'init', 'config', 'doctor', 'completion', 'version']) {
    assert.match((await cli([], { cwd })).out, new RegExp(`^  ${name} `, 'm'))
    const { out, code } = await cli([name, '--help'], { cwd })
    assert.match(out, /Usage: crypto-lakehouse .*\n[\s\S]*--json/)
    assert.equal(code, 0)
  }
  assert.match((await cli(['version'], { cwd })).out, /^crypto-lakehouse \d+\.\d+\.\d+\n$/)
  const script = (await cli(['completion', 'bash'], { cwd })).out
  const words = execFileSync(
    'bash',
    ['-c', `${script}\nCOMP_WORDS=(crypto-lakehouse in); COMP_CWORD=1; _crypto_lakehouse; echo "\${COMPREPLY[@]}"`],
    { encoding: 'utf8' },
  )
  assert.equal(words.trim(), 'ingest indicators init')
  for (const shell of ['zsh', 'fish']) assert.match((await cli(['completion', shell], { cwd })).out, /ingest/)
})

test('Ctrl-C stops at once with exit code 130, and the next run continues', async () => {
  const server = await serveArchive({ directory: join(cwd, 'archive'), faults: [{ fault: { kind: 'drip', pieceMs: 100 }, match: /zip$/ }] })
  const started = performance.now()
  const stopped = await cli(['ingest', 'klines', '--archive', server.url, '--lake', 'stopped'], { cwd, interruptAfterMs: 1200 })
  await server.close()
  assert.deepEqual([stopped.code, /interrupted/.test(stopped.err)], [130, true], stopped.err)
  assert.ok(performance.now() - started < 4000)
  const slow = 'SELECT count(*) FROM range(100000) a, range(100000) b, range(100) c WHERE a.range + b.range + c.range = 7'
  assert.equal((await cli(['query', slow], { cwd, interruptAfterMs: 1200 })).code, 130)
  assert.equal((await cli(['ingest', 'klines', '--archive', 'archive', '--lake', 'stopped'], { cwd })).code, 3)
})

test('demo runs on the simulated archive and draws charts in terminal and page', async () => {
  const { code, out } = await cli(['demo', '--simulated'], { cwd, env: { NO_COLOR: '1' } })
  assert.equal(code, 0)
  for (const text of [
    'checksum_mismatch',
    'rejected_rows',
    'conflicting_duplicates',
    'gap',
    'zip_invalid',
    'checksum_missing',
    'BTCUSDT, one candle per day',
    'Next:',
  ])
    assert.ok(out.includes(text), text)
  assert.ok(!out.includes('\x1b['))
  // A quarantined file keeps no command over all tables from its work.
  const reconciled = await cli(['reconcile', '--lake', 'lakehouse-demo'], { cwd })
  assert.deepEqual([reconciled.code, /BTCUSDT/.test(reconciled.out)], [3, true], reconciled.err)
  const page = await readFile(join(cwd, 'lakehouse-demo/demo.html'), 'utf8')
  assert.ok(page.includes('<svg') && !/<script|https?:\/\/(?!www\.w3\.org)/.test(page))
})
