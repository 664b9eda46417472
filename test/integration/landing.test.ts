import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { bronzeKey } from '../../src/lake/layout.ts'
import type { FaultRule } from '../../src/simulator/faults.ts'
import { serveArchive } from '../../src/simulator/server.ts'
import { temporaryName, thisWriter, type Writer } from '../../src/storage/temporary.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { leftovers, liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const KEY = dailyKey('BTCUSDT', '2024-01-31')

test('whatever the way does to the bytes, the lake ends as over a perfect one', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'))
  const rules: FaultRule[] = [
    { fault: { kind: 'status', status: 503, retryAfter: 0 }, match: /zip/, probability: 0.2 },
    { fault: { kind: 'status', status: 500 }, match: /zip|^list/, probability: 0.1 },
    { fault: { kind: 'status', status: 429 }, match: /zip$/, probability: 0.1 },
    { fault: { kind: 'reset' }, match: /zip$/, probability: 0.2 },
    { fault: { kind: 'short' }, match: /zip$/, probability: 0.1 },
    { fault: { kind: 'long' }, match: /ETH.*zip$/, times: 1, probability: 0.5 },
    { fault: { kind: 'stall' }, match: /zip$/, times: 1, probability: 0.2 },
    { fault: { kind: 'wrong-bytes' }, match: /BTC.*zip$/, times: 1, probability: 0.5 },
    { fault: { kind: 'drip', pieceMs: 1 }, match: /zip$/, probability: 0.1 },
  ]
  const perfect = await serveArchive({ directory: join(folder, 'archive') })
  const bad = await serveArchive({ directory: join(folder, 'archive'), faults: rules, pageSize: 3, seed: 'way' })
  context.after(async () => {
    await perfect.close()
    await bad.close()
  })
  await ingestKlines(openLakehouse({ lake: join(folder, 'good'), archive: perfect.url }))
  const { counts, errors } = await ingestKlines(openLakehouse({ lake: join(folder, 'bad'), archive: bad.url }))
  assert.deepEqual(errors, [])
  assert.equal(counts.filesFetched, 8)
  assert.deepEqual(await liveState(join(folder, 'bad')), await liveState(join(folder, 'good')))
  assert.deepEqual(await leftovers(join(folder, 'bad')), [])
})

test('bytes that do not have the published digest are fetched once more, then quarantined, and land once the archive is mended', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { defects: new Map([[KEY, [{ kind: 'wrong-checksum' }]]]) })
  const server = await serveArchive({ directory: join(folder, 'archive') })
  context.after(() => server.close())
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: server.url })
  const first = await ingestKlines(lakehouse)
  assert.equal(first.counts.filesQuarantined, 1)
  assert.equal(server.requests.get(`GET ${KEY}`), 2)
  const [row] = await lakehouse.select(`SELECT status, reason, published_sha256, sha256 FROM bronze.objects WHERE key = '${KEY}'`)
  assert.equal(row?.['status'], 'quarantined')
  assert.equal(row?.['reason'], 'CHECKSUM_MISMATCH')
  assert.equal(row?.['published_sha256'], '0'.repeat(64))
  const kept = await readFile(join(folder, 'lake/quarantine/objects', String(row?.['sha256']), KEY.split('/').at(-1) ?? ''))
  assert.deepEqual(kept, await readFile(join(folder, 'archive', KEY)))
  assert.deepEqual(await lakehouse.select(`SELECT 1 FROM silver.binance_spot_klines_1m WHERE source_object = '${KEY}'`), [])
  await smallArchive(join(folder, 'archive'))
  const second = await ingestKlines(lakehouse)
  assert.equal(second.counts.filesFetched, 1)
  assert.equal((await lakehouse.select(`SELECT status FROM bronze.objects WHERE key = '${KEY}'`))[0]?.['status'], 'verified')
  assert.deepEqual(await leftovers(join(folder, 'lake')), [])
})

test('a missing CHECKSUM is told and the digest computed', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { defects: new Map([[KEY, [{ kind: 'no-checksum' }]]]) })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  const { findings } = await ingestKlines(lakehouse)
  assert.ok(findings.some((finding) => finding.check === 'checksum_missing' && finding.explanation.includes(KEY)))
  const [row] = await lakehouse.select(`SELECT status, published_sha256, sha256 FROM bronze.objects WHERE key = '${KEY}'`)
  assert.equal(row?.['published_sha256'], null)
  assert.match(String(row?.['sha256']), /^[0-9a-f]{64}$/)
})

test('a republished file is a new revision: old bytes stay, what was made of it is made again, and the past can be read', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await smallArchive(join(folder, 'archive'))
  const old = await readFile(join(folder, 'archive', KEY))
  const lakehouse = openLakehouse({ lake, archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const count = () => lakehouse.select(`SELECT count(*) AS n FROM silver.binance_spot_klines_1m WHERE source_object = '${KEY}'`)
  assert.equal(Number((await count())[0]?.['n']), 1440)
  const before = await liveState(lake)
  await smallArchive(join(folder, 'archive'), { defects: new Map([[KEY, [{ kind: 'missing-lines', from: 10, count: 5 }]]]) })
  const { counts, findings } = await ingestKlines(lakehouse)
  assert.equal(counts.filesFetched, 1)
  assert.ok(findings.some((finding) => finding.check === 'republished'))
  assert.equal(Number((await count())[0]?.['n']), 1435)
  const states = await lakehouse.select(
    `SELECT status, count(*) AS n FROM bronze.objects WHERE key = '${KEY}' GROUP BY status ORDER BY status`,
  )
  assert.deepEqual(
    states.map((row) => [row['status'], Number(row['n'])]),
    [
      ['superseded', 1],
      ['verified', 1],
    ],
  )
  const revisions = await readdir(join(lake, 'bronze/binance/archive/.revisions'))
  assert.equal(revisions.length, 1)
  assert.deepEqual(await readFile(join(lake, 'bronze/binance/archive/.revisions', revisions[0] ?? '', KEY.split('/').at(-1) ?? '')), old)
  // Only files that hold the partition of the republished day are others now.
  const changed = Object.keys(await liveState(lake)).filter((key) => !(key in before) && key.startsWith('silver/'))
  assert.ok(changed.length === 1 && changed[0]?.includes('2024-01'), changed.join())
  await smallArchive(join(folder, 'archive'))
  await ingestKlines(lakehouse)
  assert.equal(Number((await count())[0]?.['n']), 1440)
})

for (const [name, firstMs, laterMs] of [
  ['goes back one hour', Date.UTC(2026, 0, 1, 12), Date.UTC(2026, 0, 1, 11)],
  ['was in 2040 for one run', Date.UTC(2040, 0, 1), Date.UTC(2026, 0, 1)],
] as const) {
  test(`a clock that ${name} does not decide which revision is current`, async (context) => {
    const folder = await temporaryFolder(context)
    const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
    const at = (nowMs: number) => openLakehouse({ lake, archive, nowMs: () => nowMs })
    await smallArchive(archive, { symbols: ['BTCUSDT'] })
    assert.ok(!(await ingestKlines(at(firstMs))).findings.some(({ check }) => check === 'clock_behind'))
    await smallArchive(archive, { symbols: ['BTCUSDT'], defects: new Map([[KEY, [{ kind: 'missing-lines', from: 10, count: 5 }]]]) })
    const second = await ingestKlines(at(laterMs))
    assert.equal(second.counts.filesFetched, 1)
    const found = second.findings.filter(({ check }) => check === 'clock_behind')
    assert.equal(found.length, 1)
    assert.match(found[0]?.explanation ?? '', new RegExp(new Date(firstMs).toISOString()))
    const rows = `SELECT count(*) AS n FROM silver.binance_spot_klines_1m WHERE source_object = '${KEY}'`
    assert.equal(Number((await at(laterMs).select(rows))[0]?.['n']), 1435)
    // Nothing is fetched again, whatever the clock says now.
    for (const nowMs of [laterMs, firstMs]) assert.equal((await ingestKlines(at(nowMs))).counts.filesFetched, 0)
    assert.equal((await at(laterMs).status()).objects.find(({ status }) => status === 'superseded')?.objects, 1)
  })
}

test('an absent archive, an unreachable one and a stalled one end in typed errors', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { days: 1, symbols: ['BTCUSDT'] })
  const lakehouse = (archive: string) =>
    openLakehouse({ lake: join(folder, 'lake'), archive, settings: { attempts: 2, idleTimeoutMs: 200 } })
  await assert.rejects(ingestKlines(lakehouse(join(folder, 'nowhere'))), { code: 'USAGE' })
  await assert.rejects(ingestKlines(lakehouse('http://127.0.0.1:9')), { code: 'ORIGIN_UNREACHABLE' })
  const cases: [FaultRule, string][] = [
    [{ fault: { kind: 'stall' }, match: /zip$/ }, 'TRANSFER_STALLED'],
    [{ fault: { kind: 'status', status: 503 }, match: /zip$/ }, 'ORIGIN_THROTTLED'],
    [{ fault: { kind: 'status', status: 500 }, match: /zip$/ }, 'ORIGIN_FAILED'],
    [{ fault: { kind: 'status', status: 400 }, match: /zip$/ }, 'ORIGIN_REFUSED'],
    [{ fault: { kind: 'absent' }, match: /zip$/ }, 'OBJECT_NOT_FOUND'],
    [{ fault: { kind: 'reset' }, match: /zip$/ }, 'TRANSFER_TRUNCATED'],
  ]
  for (const [rule, code] of cases) {
    const server = await serveArchive({ directory: join(folder, 'archive'), faults: [rule] })
    const { errors } = await ingestKlines(lakehouse(server.url))
    await server.close()
    assert.deepEqual(
      errors.map((error) => error.code),
      [code],
    )
  }
  assert.deepEqual(await leftovers(join(folder, 'lake')), [])
})

test('a late file is taken by the next run', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'))
  const server = await serveArchive({
    directory: join(folder, 'archive'),
    faults: [{ fault: { kind: 'absent' }, match: /2024-02-02\.zip$/, times: 1 }],
  })
  context.after(() => server.close())
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: server.url })
  const first = await ingestKlines(lakehouse)
  assert.equal(first.errors.length, 2)
  const second = await ingestKlines(lakehouse)
  assert.deepEqual([second.errors.length, second.counts.filesFetched], [0, 2])
})

test('bronze bytes that rot on disk are noticed before they are decoded again, and fetched in the same run', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await smallArchive(join(folder, 'archive'))
  const lakehouse = openLakehouse({ lake, archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const path = join(lake, bronzeKey(KEY))
  const bytes = await readFile(path)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(path, bytes)
  await rm(join(lake, 'silver'), { recursive: true })
  const state = () => lakehouse.select(`SELECT status FROM bronze.objects WHERE key = '${KEY}'`)
  const noBronze = await ingestKlines(lakehouse, { layers: ['silver'] })
  assert.ok(noBronze.findings.some(({ check, explanation }) => check === 'checksum_mismatch' && explanation.includes('changed in bronze')))
  assert.equal(noBronze.counts.rowsWritten, 7 * 1440)
  assert.equal((await state())[0]?.['status'], 'lost')
  await rm(join(lake, 'silver'), { recursive: true })
  // With bronze, the same run fetches it again, and the rotten bytes are kept aside.
  await writeFile(path, bytes)
  const { counts, findings } = await ingestKlines(lakehouse)
  assert.deepEqual([counts.filesFetched, counts.rowsWritten, counts.filesQuarantined], [1, 8 * 1440, 0])
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  )
  assert.equal((await state())[0]?.['status'], 'verified')
  assert.equal((await readdir(join(lake, 'quarantine/objects'))).length, 1)
  const [count] = await lakehouse.select('SELECT count(*) AS n FROM silver.binance_spot_klines_1m')
  assert.equal(Number(count?.['n']), 8 * 1440)
})

test('a partition never loses rows because bronze has lost one of its objects', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { symbols: ['BTCUSDT'] })
  const lakehouse = openLakehouse({ lake, archive })
  await ingestKlines(lakehouse)
  const rows = async () =>
    (
      await lakehouse.select('SELECT source_object AS key, count(*)::INT AS n FROM silver.binance_spot_klines_1m GROUP BY ALL ORDER BY 1')
    ).map(({ key, n }) => [String(key).slice(-14, -4), n])
  const whole = await rows()
  // Another file of the month is republished, so the partition is built again, while this one is damaged.
  const path = join(lake, bronzeKey(KEY))
  const bytes = await readFile(path)
  const damaged = Buffer.from(bytes)
  damaged[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(path, damaged)
  const other = dailyKey('BTCUSDT', '2024-01-30')
  await smallArchive(archive, { symbols: ['BTCUSDT'], defects: new Map([[other, [{ kind: 'missing-lines', from: 10, count: 5 }]]]) })
  await ingestKlines(lakehouse, { layers: ['bronze'] })
  // Without the archive it cannot be made whole: the partition stays as it was.
  const alone = await ingestKlines(lakehouse, { layers: ['silver'] })
  assert.ok(alone.findings.some(({ check, explanation }) => check === 'checksum_mismatch' && explanation.includes(KEY)))
  assert.deepEqual(await rows(), whole)
  const { counts } = await ingestKlines(lakehouse)
  assert.equal(counts.filesFetched, 1)
  assert.deepEqual(
    await rows(),
    whole.map(([day, n]) => [day, day === '2024-01-30' ? 1435 : n]),
  )
  assert.deepEqual(await readFile(path), bytes)
})

test('an object that is missing in bronze is fetched again, and keeps nothing else from being built', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await smallArchive(join(folder, 'archive'))
  const lakehouse = openLakehouse({ lake, archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const before = await liveState(lake)
  await rm(join(lake, bronzeKey(KEY)))
  await rm(join(lake, 'silver'), { recursive: true })
  const without = await ingestKlines(lakehouse, { layers: ['silver'] })
  assert.ok(without.findings.some((finding) => finding.check === 'object_not_found' && finding.explanation.includes(KEY)))
  assert.equal(without.counts.rowsWritten, 7 * 1440)
  const { counts } = await ingestKlines(lakehouse)
  assert.deepEqual([counts.filesFetched, counts.filesSkipped], [1, 7])
  assert.deepEqual(await liveState(lake), before)
  // Also where nothing has tried to decode it since.
  await rm(join(lake, bronzeKey(KEY)))
  assert.equal((await ingestKlines(lakehouse, { layers: ['bronze'] })).counts.filesFetched, 1)
})

test('a .CHECKSUM that is listed and refused is an error, not a missing one; one that appears later is compared', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'))
  const refusing = await serveArchive({
    directory: join(folder, 'archive'),
    faults: [{ fault: { kind: 'status', status: 403 }, match: /2024-01-31\.zip\.CHECKSUM$/ }],
  })
  const server = await serveArchive({ directory: join(folder, 'archive') })
  context.after(async () => {
    await refusing.close()
    await server.close()
  })
  const lake = join(folder, 'lake')
  const first = await ingestKlines(openLakehouse({ lake, archive: refusing.url }))
  assert.deepEqual(
    first.errors.map(({ code }) => code),
    ['ORIGIN_REFUSED', 'ORIGIN_REFUSED'],
  )
  const checksum = join(folder, 'archive', `${KEY}.CHECKSUM`)
  const text = await readFile(checksum)
  await rm(checksum)
  const lakehouse = openLakehouse({ lake, archive: server.url })
  const second = await ingestKlines(lakehouse)
  assert.deepEqual([second.errors.length, second.counts.filesFetched], [0, 2])
  const published = async () => (await lakehouse.select(`SELECT published_sha256 AS p FROM bronze.objects WHERE key = '${KEY}'`))[0]?.['p']
  assert.equal(await published(), null)
  await writeFile(checksum, text)
  assert.equal((await ingestKlines(lakehouse)).counts.filesFetched, 1)
  assert.equal(await published(), text.toString().slice(0, 64))
  assert.equal((await ingestKlines(lakehouse)).counts.filesFetched, 0)
})

test('two runs at once neither lose nor double anything', async (context) => {
  const folder = await temporaryFolder(context)
  const symbols = ['ADAUSDT', 'BTCUSDT', 'ETHUSDT', 'SOLUSDT']
  await smallArchive(join(folder, 'archive'), { symbols, tradesPerDay: 300 })
  const archive = join(folder, 'archive')
  await ingestKlines(openLakehouse({ lake: join(folder, 'one'), archive }))
  const lake = join(folder, 'two')
  const parts = [symbols, symbols.slice(0, 2), symbols.slice(1), symbols]
  const results = await Promise.all(parts.map((part) => ingestKlines(openLakehouse({ lake, archive }), { symbols: part })))
  for (const { errors } of results) assert.deepEqual(errors, [])
  await ingestKlines(openLakehouse({ lake, archive }))
  assert.deepEqual(await liveState(lake), await liveState(join(folder, 'one')))
  assert.deepEqual(await leftovers(lake), [])
})

test('a run in another container counts as alive while it beats, and as dead when it is silent; a dead one of this machine at once', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await smallArchive(join(folder, 'archive'), { symbols: ['BTCUSDT'], days: 1 })
  const lakehouse = openLakehouse({ lake, archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  const runs = join(lake, 'bronze/_ledger/.runs')
  const orphan = join(lake, 'silver/binance_spot_klines_1m/data/orphan.parquet')
  const register = async (name: string, writer: Writer, state: string) => {
    await writeFile(join(runs, `${name}.json`), JSON.stringify({ writer, startedAt: '2024-01-01T00:00:00.000Z', state }))
    await writeFile(orphan, 'x')
  }
  const elsewhere = { place: '0123456789abcdef', pid: process.pid, start: '1' }
  await register('beating', elsewhere, 'working')
  await register('killed', { ...thisWriter(), start: '1' }, 'sweeping')
  const foreign = join(lake, 'silver', `.tmp-${elsewhere.place}-1-1-aa.parquet`)
  await writeFile(foreign, 'x')
  const longAgo = new Date(Date.now() - 600_000)
  await utimes(foreign, longAgo, longAgo)
  // The number of the killed run's process is in use, by this very process: it began later, so it is another one.
  assert.deepEqual((await ingestKlines(lakehouse)).swept, { temporaries: 0, orphans: 0 })
  assert.ok(existsSync(orphan) && existsSync(foreign))
  await utimes(join(runs, 'beating.json'), longAgo, longAgo)
  const card = join(lake, 'silver/binance_spot_klines_1m/_metadata.json')
  const told = await readFile(card, 'utf8')
  await writeFile(card, 'as it was before the killed run committed')
  assert.deepEqual((await ingestKlines(lakehouse)).swept, { temporaries: 1, orphans: 1 })
  assert.equal(await readFile(card, 'utf8'), told)
  assert.deepEqual(await leftovers(lake), [])
  await register('beating', elsewhere, 'sweeping')
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 150).unref()
  await assert.rejects(ingestKlines(openLakehouse({ lake, archive: join(folder, 'archive'), signal: abort.signal })), {
    code: 'INTERRUPTED',
  })
})

test('a table that somebody has cut otherwise is told of and left alone, and keeps no other from being built', async (context) => {
  const folder = await temporaryFolder(context)
  const small = { symbols: ['BTCUSDT'], intervals: ['1m', '1h'] as const }
  await smallArchive(join(folder, 'archive'), { ...small, days: 1 })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse)
  await lakehouse.withTables(true, (tables) =>
    tables.alterPartition('silver.binance_spot_klines_1m', [{ source: 'open_time', transform: 'day' }]),
  )
  await smallArchive(join(folder, 'archive'), { ...small, days: 2 })
  const { errors, counts } = await ingestKlines(lakehouse)
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['TABLE_PARTITION_CHANGED'],
  )
  assert.equal(counts.rowsWritten, 48)
  const rows = async (table: string) =>
    (await lakehouse.select(`SELECT count(*)::INTEGER AS n FROM silver.binance_spot_${table}`))[0]?.['n']
  assert.deepEqual([await rows('klines_1m'), await rows('klines_1h')], [1440, 48])
  await rm(join(folder, 'lake/silver/binance_spot_klines_1m'), { recursive: true })
  assert.deepEqual((await ingestKlines(lakehouse)).errors, [])
  assert.equal(await rows('klines_1m'), 2880)
})

test('the universe follows what another run has written and not carried on to gold', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { symbols: ['BTCUSDT', 'ETHUSDT'], days: 1 })
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  await ingestKlines(lakehouse, { symbols: ['BTCUSDT'] })
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  const symbols = async () => (await lakehouse.select('SELECT symbol FROM gold.universe ORDER BY ALL')).map((row) => row['symbol'])
  assert.deepEqual(await symbols(), ['BTCUSDT'])
  assert.equal((await ingestKlines(lakehouse)).counts.filesFetched, 0)
  assert.deepEqual(await symbols(), ['BTCUSDT', 'ETHUSDT'])
  const versions = () => readdir(join(folder, 'lake/gold/universe/metadata'))
  const before = await versions()
  await ingestKlines(lakehouse)
  assert.deepEqual(await versions(), before)
})

test('a run that was killed while it made the lake or registered itself leaves nothing either', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await smallArchive(join(folder, 'archive'), { symbols: ['BTCUSDT'], days: 1 })
  const lakehouse = openLakehouse({ lake, archive: join(folder, 'archive') })
  const dead = `.tmp-${thisWriter().place}-4194300-1-left`
  const runs = join(lake, 'bronze/_ledger/.runs')
  await mkdir(runs, { recursive: true })
  for (const place of [lake, runs]) for (const name of [dead, temporaryName()]) await writeFile(join(place, name), 'x')
  assert.deepEqual((await ingestKlines(lakehouse)).swept, { temporaries: 2, orphans: 0 })
  for (const place of [lake, runs]) assert.ok(!existsSync(join(place, dead)))
  // What this very process is writing stays.
  assert.equal((await leftovers(lake)).length, 2)
})

test('a run that is interrupted goes on where it stopped', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'))
  const lake = join(folder, 'lake')
  const server = await serveArchive({
    directory: join(folder, 'archive'),
    faults: [{ fault: { kind: 'drip', pieceMs: 5 }, match: /zip$/ }],
  })
  context.after(() => server.close())
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 150).unref()
  await assert.rejects(ingestKlines(openLakehouse({ lake, archive: server.url, signal: abort.signal })), { code: 'INTERRUPTED' })
  await ingestKlines(openLakehouse({ lake, archive: server.url }))
  await ingestKlines(openLakehouse({ lake: join(folder, 'whole'), archive: server.url }))
  assert.deepEqual(await liveState(lake), await liveState(join(folder, 'whole')))
  assert.deepEqual(await leftovers(lake), [])
})
