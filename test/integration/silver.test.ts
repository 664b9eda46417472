import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { utc } from '../../src/core/time.ts'
import { zipMany, zipOne } from '../../src/platform/zip-writer.ts'
import { writeObject } from '../../src/simulator/archive.ts'
import type { Defect } from '../../src/simulator/defects.ts'
import { dailyKey, monthlyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { leftovers, liveState } from '../support/lake-state.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'

const MONTH = { start: Date.UTC(2024, 0, 1), days: 31, tradesPerDay: 200, symbols: ['BTCUSDT'] } as const
const TABLE = 'silver.binance_spot_klines_1m'

async function ingested(folder: string, options: Parameters<typeof smallArchive>[1], wanted: Parameters<typeof ingestKlines>[1] = {}) {
  await smallArchive(join(folder, 'archive'), options)
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') })
  return { lakehouse, ...(await ingestKlines(lakehouse, wanted)) }
}

test('days that a monthly file lacks are filled from daily files, and the outage that both have stays a gap', async (context) => {
  const folder = await temporaryFolder(context)
  const outage: Defect = { kind: 'missing-lines', from: 20 * 1440, count: 90 }
  const defects = new Map<string, Defect[]>([
    [monthlyKey('BTCUSDT', '2024-01'), [outage, { kind: 'missing-lines', from: 11 * 1440, count: 1440 }]],
    [dailyKey('BTCUSDT', '2024-01-21'), [{ kind: 'missing-lines', from: 0, count: 90 }]],
  ])
  const { lakehouse, counts, findings } = await ingested(folder, { ...MONTH, periods: ['daily', 'monthly'], defects })
  assert.equal(counts.filesFetched, 2)
  assert.equal(counts.rowsWritten, 31 * 1440 - 90)
  const gaps = findings.filter((finding) => finding.check === 'gap')
  assert.deepEqual(
    gaps.map(({ symbol, from, to, count }) => ({ symbol, from, to, count })),
    [{ symbol: 'BTCUSDT', from: '2024-01-21T00:00:00Z', to: '2024-01-21T01:30:00Z', count: 90 }],
  )
  const second = await ingestKlines(lakehouse)
  assert.deepEqual([second.counts.filesFetched, second.counts.partitionsWritten], [0, 0])
})

test('a monthly file that is quarantined is replaced by daily files', async (context) => {
  for (const kind of ['wrong-checksum', 'corrupt-zip', 'two-entries'] as const) {
    const folder = await temporaryFolder(context)
    const { counts } = await ingested(folder, {
      ...MONTH,
      periods: ['daily', 'monthly'],
      defects: new Map([[monthlyKey('BTCUSDT', '2024-01'), [{ kind }]]]),
    })
    assert.equal(counts.filesQuarantined, 1, kind)
    assert.equal(counts.rowsWritten, 31 * 1440, kind)
  }
})

test('duplicates within and across files: the first read stays, monthly before daily, all are counted, differing ones listed with both rows', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  const archive = join(folder, 'archive')
  const defects = new Map<string, Defect[]>([
    [
      dailyKey('BTCUSDT', '2024-01-05'),
      [
        { kind: 'repeated-lines', from: 100, count: 7 },
        { kind: 'conflicting-line', at: 50 },
      ],
    ],
    [dailyKey('BTCUSDT', '2024-01-06'), [{ kind: 'shuffled-lines', from: 10, count: 20 }]],
  ])
  await smallArchive(archive, { ...MONTH, periods: ['daily'], defects })
  const lakehouse = openLakehouse({ lake, archive })
  const daily = await ingestKlines(lakehouse)
  assert.equal(daily.counts.rowsWritten, 31 * 1440)
  assert.equal(daily.counts.duplicatesDropped, 8)
  const conflicts = daily.findings.filter((finding) => finding.check === 'conflicting_duplicates')
  assert.equal(conflicts.length, 1)
  assert.match(conflicts[0]?.explanation ?? '', /kept \{.*"trade_count":1.*dropped \{.*"trade_count":0/)
  // The monthly file comes out: it wins over the daily ones, whose rows it repeats.
  await smallArchive(archive, { ...MONTH, periods: ['monthly'] })
  const monthly = await ingestKlines(lakehouse)
  assert.equal(monthly.counts.duplicatesDropped, 31 * 1440 + 8)
  const [row] = await lakehouse.select(`SELECT count(*) AS n, count(DISTINCT source_object) AS files FROM ${TABLE}`)
  assert.deepEqual([Number(row?.['n']), Number(row?.['files'])], [31 * 1440, 1])
})

test('rows that belong to another month go there, though the file is named for this one', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { symbols: ['BTCUSDT'], start: Date.UTC(2024, 0, 30), days: 3, tradesPerDay: 200 })
  const january = dailyKey('BTCUSDT', '2024-01-31')
  const next = `${Date.UTC(2024, 1, 2)},1,1,1,1,0,${Date.UTC(2024, 1, 2) + 59_999},0,0,0,0,0`
  await writeObject(archive, january, Buffer.from(`${next}\n`), [])
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  await ingestKlines(lakehouse)
  const rows = await lakehouse.select(`SELECT source_object, open_time FROM ${TABLE} WHERE source_object = '${january}'`)
  assert.deepEqual(
    rows.map((row) => (row['open_time'] instanceof Date ? row['open_time'].toISOString() : null)),
    ['2024-02-02T00:00:00.000Z'],
  )
  const second = await ingestKlines(lakehouse)
  assert.equal(second.counts.partitionsWritten, 0)
})

test('a new symbol touches only the file of its neighbours', async (context) => {
  const folder = await temporaryFolder(context)
  const symbols = [
    'AAVEUSDT',
    'ADAUSDT',
    'BNBUSDT',
    'BTCUSDT',
    'DOGEUSDT',
    'DOTUSDT',
    'ETHUSDT',
    'FILUSDT',
    'LINKUSDT',
    'LTCUSDT',
    'SOLUSDT',
    'TRXUSDT',
    'UNIUSDT',
    'XLMUSDT',
    'XRPUSDT',
    'ZECUSDT',
  ]
  const { lakehouse } = await ingested(folder, { symbols, days: 1, tradesPerDay: 50 }, { layers: ['bronze', 'silver'] })
  const silver = async () => Object.keys(await liveState(join(folder, 'lake'))).filter((key) => key.startsWith('silver/'))
  const before = await silver()
  assert.ok(before.length > 1, 'the symbols fall into several files')
  await smallArchive(join(folder, 'archive'), { symbols: ['APTUSDT'], days: 1, tradesPerDay: 50 })
  await ingestKlines(lakehouse, { layers: ['bronze', 'silver'] })
  const after = await silver()
  assert.ok(before.filter((key) => !after.includes(key)).length <= 1)
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${TABLE}`))[0]?.['n']), 17 * 1440)
})

test('cm klines carry contracts and base volume under their own names', async (context) => {
  const folder = await temporaryFolder(context)
  const { lakehouse } = await ingested(folder, { symbols: ['BTCUSD_PERP'], market: 'cm', days: 1 })
  const [row] = await lakehouse.select(
    'SELECT contracts, base_volume, taker_buy_contracts, taker_buy_base_volume, close FROM silver.binance_cm_klines_1m WHERE trade_count > 0 LIMIT 1',
  )
  const implied = (Number(row?.['contracts']) * 100) / Number(row?.['close'])
  assert.ok(Math.abs(implied / Number(row?.['base_volume']) - 1) < 0.05)
})

test('spot files of 2025 are in microseconds, those before in milliseconds; both give the same instants', async (context) => {
  const folder = await temporaryFolder(context)
  const { lakehouse } = await ingested(folder, { symbols: ['BTCUSDT'], start: Date.UTC(2024, 11, 31), days: 2 })
  const rows = await lakehouse.select(
    `SELECT epoch_us(min(open_time)) AS first, epoch_us(max(open_time)) AS last, count(*) AS n FROM ${TABLE}`,
  )
  assert.deepEqual(
    [Number(rows[0]?.['first']), Number(rows[0]?.['last']), Number(rows[0]?.['n'])],
    [utc(2024, 12, 31), utc(2025, 1, 2) - 60_000_000, 2880],
  )
  const units = await lakehouse.select('SELECT time_unit FROM bronze.objects ORDER BY key')
  assert.deepEqual(
    units.map((row) => row['time_unit']),
    ['ms', 'us'],
  )
})

test('fifty ways to damage a file: each ends in a typed finding or a quarantine line, and the other files are whole', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { symbols: ['GOODUSDT'], days: 1, tradesPerDay: 300 })
  const good = dailyKey('GOODUSDT', '2024-01-30')
  const zip = await readFile(join(archive, good))
  const damaged = new Map<string, string>()
  for (const [index, mutation] of mutations(zip).entries()) {
    const key = dailyKey(`BAD${index}USDT`, '2024-01-30')
    await mkdir(join(archive, dirname(key)), { recursive: true })
    await writeFile(join(archive, key), mutation.bytes)
    damaged.set(key, mutation.name)
  }
  assert.equal(damaged.size, 50)
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive })
  const { findings, errors } = await ingestKlines(lakehouse)
  assert.deepEqual(errors, [])
  for (const [key, name] of damaged) {
    const told = findings.filter((finding) => finding.explanation.includes(key) && finding.severity === 'error')
    assert.equal(told.length, 1, `${name}: ${told.map((finding) => finding.check).join()}`)
  }
  assert.equal(Number((await lakehouse.select(`SELECT count(*) AS n FROM ${TABLE} WHERE symbol = 'GOODUSDT'`))[0]?.['n']), 1440)
  const rejects = await readdir(join(folder, 'lake/quarantine/rows/binance_spot_klines_1m'))
  const lines = (
    await Promise.all(rejects.map((name) => readFile(join(folder, 'lake/quarantine/rows/binance_spot_klines_1m', name), 'utf8')))
  )
    .join('')
    .trimEnd()
    .split('\n')
  for (const line of lines) assert.deepEqual(Object.keys(JSON.parse(line) as object), ['object', 'line', 'column', 'reason', 'text'])
  const second = await ingestKlines(lakehouse)
  assert.deepEqual([second.counts.partitionsWritten, second.counts.filesFetched], [0, 0])
  assert.deepEqual(await leftovers(join(folder, 'lake')), [])
})

/** Fifty mutations of a good zip; none has a CHECKSUM that could tell. */
function mutations(zip: Buffer): { name: string; bytes: Buffer }[] {
  const directory = zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'))
  const changed = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(zip)
    change(copy)
    return copy
  }
  const row = (open: string) => `1706572800000,${open},2,1,1.5,1,1706572859999,1,1,1,1,0\n`
  const csv = (name: string, text: string | Buffer) => ({ name, bytes: zipOne('x.csv', Buffer.from(text)) })
  const header = 'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n'
  const found = [
    ...Array.from({ length: 14 }, (_, n) => ({ name: `cut at ${n}/14`, bytes: zip.subarray(0, Math.floor((zip.length * n) / 14)) })),
    // Bits of the compressed bytes: the CRC tells.
    ...Array.from({ length: 14 }, (_, n) => ({
      name: `bit ${n}`,
      bytes: changed((copy) => copy.writeUInt8((copy[200 + n * 97] ?? 0) ^ (1 << (n % 8)), 200 + n * 97)),
    })),
    { name: 'wrong CRC', bytes: changed((copy) => copy.writeUInt32LE(1, directory + 16)) },
    { name: 'claims too little', bytes: changed((copy) => copy.writeUInt32LE(100, directory + 24)) },
    { name: 'claims 17 GB', bytes: changed((copy) => copy.writeUInt32LE(0xfffffff0, directory + 24)) },
    { name: 'unknown method', bytes: changed((copy) => copy.writeUInt16LE(12, directory + 10)) },
    { name: 'encrypted', bytes: changed((copy) => copy.writeUInt16LE(1, directory + 8)) },
    {
      name: 'two entries',
      bytes: zipMany([
        { name: 'a.csv', content: Buffer.from(row('1')) },
        { name: 'b.csv', content: Buffer.from(row('1')) },
      ]),
    },
    { name: 'no entry', bytes: zipMany([]) },
    { name: 'climbing path', bytes: zipOne('../../x.csv', Buffer.from(row('1'))) },
    { name: 'absolute path', bytes: zipOne('/x.csv', Buffer.from(row('1'))) },
    { name: 'wrong entry', bytes: zipOne('x.html', Buffer.from('<html>not here</html>\n')) },
    { name: 'bomb', bytes: zipOne('x.csv', Buffer.alloc(60 << 20)) },
    csv('missing column', row('1').replace(',2,1,', ',2,')),
    csv('header lacks a column', header.replace('high,', '') + row('1')),
    csv('letters in a number', row('1.2x3')),
    csv('NUL', row('1\0')),
    csv('spreadsheet dates', row('1').replace('1706572800000', '30/01/2024 00:00')),
    csv('scientific time', row('1').replace('1706572800000', '1.70657E+12')),
    csv('seconds instead of milliseconds', row('1').replace('1706572800000', '1706572800')),
    csv('an infinite price', row('Infinity')),
    csv('CRLF with a broken number', row('1,5').replace('\n', '\r\n')),
    csv('byte order mark and letters', `\ufeff${row('abc')}`),
    csv('binary noise', Buffer.from(Array.from({ length: 4000 }, (_, n) => (n * 7919) % 251))),
  ]
  return found
}

test('a file refused for its size is told by every run, and taken once the bound is raised', async (context) => {
  const folder = await temporaryFolder(context)
  await smallArchive(join(folder, 'archive'), { symbols: ['BTCUSDT'], days: 1 })
  const open = (maxEntryBytes: number) =>
    openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive'), engine: { maxEntryBytes } })
  for (const run of ['first', 'second']) {
    const { counts, findings } = await ingestKlines(open(1024))
    assert.deepEqual([counts.rowsWritten, counts.filesQuarantined], [0, 1], run)
    assert.ok(
      findings.some((finding) => finding.check === 'zip_refused'),
      run,
    )
  }
  const { counts, findings } = await ingestKlines(open(1 << 20))
  assert.deepEqual([counts.rowsWritten, counts.filesQuarantined], [1440, 0])
  assert.ok(!findings.some((finding) => finding.check === 'zip_refused'))
  // Under the old bound the partition has no input left, and so no rows.
  await ingestKlines(open(1024))
  assert.deepEqual(await open(1024).select(`FROM ${TABLE}`), [])
})

test('a partition whose only file is republished as an unreadable one loses its rows', async (context) => {
  const folder = await temporaryFolder(context)
  const { lakehouse } = await ingested(folder, { symbols: ['BTCUSDT'], days: 1 })
  const key = dailyKey('BTCUSDT', '2024-01-30')
  await smallArchive(join(folder, 'archive'), { symbols: ['BTCUSDT'], days: 1, defects: new Map([[key, [{ kind: 'two-entries' }]]]) })
  await ingestKlines(lakehouse)
  assert.deepEqual(await lakehouse.select('FROM silver.binance_spot_klines_1m'), [])
  assert.deepEqual(await lakehouse.select('FROM gold.binance_spot_bars_1h'), [])
})

test('a decoder that has been corrected makes its tables again', async (context) => {
  const folder = await temporaryFolder(context)
  const { lakehouse } = await ingested(folder, { symbols: ['BTCUSDT'], days: 1 })
  const before = await liveState(join(folder, 'lake'))
  await cp(join(folder, 'lake'), join(folder, 'copy'), { recursive: true })
  // The same lake read by a decoder of a later version: what the ledger tells of the old one does not count.
  const ledger = await readdir(join(folder, 'lake/bronze/_ledger'))
  for (const name of ledger.filter((file) => file.endsWith('.ndjson'))) {
    const path = join(folder, 'lake/bronze/_ledger', name)
    const text = await readFile(path, 'utf8')
    await rm(path)
    await writeFile(path.replace(/-[0-9a-f]{32}\.ndjson$/, '.ndjson'), text.replaceAll('"decoder":1', '"decoder":0'))
  }
  const { counts } = await ingestKlines(lakehouse)
  assert.equal(counts.partitionsWritten, 0)
  assert.deepEqual(await liveState(join(folder, 'lake')), before)
})
