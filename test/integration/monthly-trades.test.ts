import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { writeArchive } from '../../src/simulator/archive.ts'
import type { Defect } from '../../src/simulator/defects.ts'
import { temporaryFolder } from '../support/folders.ts'
import { leftovers } from '../support/lake-state.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const TABLE = 'silver.binance_um_agg_trades'
const KEY = 'data/futures/um/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01.zip'

/** A month of two symbols, 31 × 200 trades each, as daily or as monthly files. */
async function ingested(context: TestContext, period: 'daily' | 'monthly', defects?: Readonly<Record<string, readonly Defect[]>>) {
  const folder = await temporaryFolder(context)
  const series = ['BTCUSDT', 'ETHUSDT'].map((symbol) => ({ market: 'um' as const, symbol, types: ['aggTrades'] as const, intervals: [] }))
  const archive = join(folder, 'archive')
  await writeArchive(archive, {
    seed: 'month',
    series,
    start: Date.UTC(2024, 0, 1),
    days: 31,
    tradesPerDay: 200,
    periods: [period],
    defects: new Map(Object.entries(defects ?? {})),
  })
  const lake = join(folder, 'lake')
  const lakehouse = openLakehouse({ lake, archive })
  const ingest = () =>
    lakehouse.ingest({
      types: ['aggTrades'],
      markets: [],
      symbols: [],
      intervals: [],
      range: undefined,
      layers: new Set(['bronze', 'silver'] as const),
      onProgress: () => {},
      onNotice: () => {},
    })
  const result = await ingest()
  const days = await lakehouse
    .select(
      `SELECT transact_time::DATE::VARCHAR AS day, count(*)::INTEGER AS n, bit_xor(hash(columns_of)) AS content FROM (SELECT *, (symbol, agg_trade_id, price, quantity, first_trade_id, last_trade_id, transact_time, is_buyer_maker, source) AS columns_of FROM ${TABLE}) GROUP BY ALL ORDER BY ALL`,
    )
    .catch(() => [])
  return { ...result, lake, archive, lakehouse, ingest, days }
}

async function plainBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.zip')) continue
    const zip = await readFile(join(folder, name))
    bytes += inflateRawSync(zip.subarray(30 + zip.readUInt16LE(26) + zip.readUInt16LE(28))).length
  }
  return bytes
}

test('a monthly file of a table that is cut by days is read once, and gives what the daily files give', async (context) => {
  const daily = await ingested(context, 'daily')
  const monthly = await ingested(context, 'monthly')
  assert.equal(daily.days.length, 31)
  assert.deepEqual(monthly.days, daily.days)
  assert.deepEqual([monthly.findings, monthly.errors], [[], []])
  assert.deepEqual(
    [monthly.counts.rowsRead, monthly.counts.rowsWritten, monthly.counts.partitionsWritten],
    [daily.counts.rowsRead, daily.counts.rowsWritten, 31],
  )
  assert.equal(monthly.counts.csvBytes, await plainBytes(monthly.archive))
  const again = await monthly.ingest()
  assert.deepEqual([again.counts.partitionsWritten, again.counts.csvBytes], [0, 0])
  assert.deepEqual(await leftovers(monthly.lake), [])
})

test('lines of a monthly file that cannot be typed, doubled and misplaced ones are dealt with on their days', async (context) => {
  const { days: whole } = await ingested(context, 'daily')
  const at = 3 * 200 + 100
  const broken = await ingested(context, 'monthly', { [KEY]: [{ kind: 'garbage-line', at, text: 'garbage' }] })
  assert.deepEqual(broken.days, whole)
  assert.deepEqual([broken.counts.rowsRejected, broken.findings.map(({ check, count }) => [check, count])], [1, [['rejected_rows', 1]]])
  const doubled = await ingested(context, 'monthly', { [KEY]: [{ kind: 'repeated-lines', from: at, count: 10 }] })
  assert.deepEqual(doubled.days, whole)
  assert.equal(doubled.counts.duplicatesDropped, 10)
  // The lines of some days lie one among the other.
  const torn = await ingested(context, 'monthly', { [KEY]: [{ kind: 'shuffled-lines', from: 150, count: 600 }] })
  assert.deepEqual(torn.days, whole)
  assert.deepEqual(await leftovers(torn.lake), [])
})

test('a monthly file that cannot be read is left out of each of its days', async (context) => {
  const { days, counts } = await ingested(context, 'monthly', { [KEY]: [{ kind: 'corrupt-zip' }] })
  assert.equal(counts.filesQuarantined, 1)
  assert.equal(days.length, 31)
  assert.equal(counts.rowsWritten, 31 * 200)
})
