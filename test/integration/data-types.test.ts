import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Interval } from '../../src/core/interval.ts'
import { DATASET_IDS, DATASETS, type DatasetId } from '../../src/datasets/registry.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import { writeArchive, writeObject } from '../../src/simulator/archive.ts'
import { parseArchiveKey, printArchiveKey } from '../../src/sources/binance/archive/archive-key.ts'
import type { Market } from '../../src/sources/binance/markets.ts'
import { OFFERS } from '../../src/sources/binance/offers.ts'
import type { ArchiveFile } from '../../src/sources/contract.ts'
import type { CsvColumn } from '../../src/sources/csv/csv-column.ts'
import { formatOf, silverTableName } from '../../src/sources/series.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'
import { readPlainRows } from '../support/plain-reader.ts'
import { realData } from '../support/real-data.ts'

async function ingestAll(lake: string, archive: string) {
  const lakehouse = openLakehouse({ lake, archive })
  const everything = { types: DATASET_IDS, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(LAYERS) }
  const result = await lakehouse.ingest({ ...everything, onProgress: () => {}, onNotice: () => {} })
  return { lakehouse, result }
}

/** What silver should hold of a field's text: written apart from the decoder. */
function expected(column: CsvColumn, text: string): unknown {
  const plain = text.replaceAll('"', '')
  if (plain === '') return null
  switch (column.type) {
    case 'instant':
      return BigInt(plain) * (plain.length >= 16 ? 1n : 1000n)
    case 'datetime':
      return BigInt(Date.parse(`${plain.replace(' ', 'T')}Z`)) * 1000n
    case 'boolean':
      return plain.toLowerCase() === 'true'
    case 'long':
      return BigInt(plain)
    case 'double':
      return Number(plain)
    default:
      return plain
  }
}

/** Every published field of a file against silver, row by row in the order of the file; rows of equal keys once. */
async function assertSame(lakehouse: Awaited<ReturnType<typeof ingestAll>>['lakehouse'], archive: string, key: string): Promise<number> {
  const file = parseArchiveKey(key)
  const { eventTime, key: keyColumns } = DATASETS[file.dataset]
  const { columns } = formatOf(file)
  const named = columns.flatMap((column, index) => (column.name === undefined ? [] : [{ column, name: column.name, index }]))
  const hour = columns.findIndex((column) => column.type === 'hour')
  const rows = readPlainRows(join(archive, key)).map((row) =>
    named.map(({ column, index }) => {
      const value =
        column.type === 'day' ? expected({ ...column, type: 'datetime' }, `${row[index]} 00:00:00`) : expected(column, row[index] ?? '')
      return column.name === eventTime && hour >= 0 ? (value as bigint) + BigInt(row[hour] ?? 0) * 3_600_000_000n : value
    }),
  )
  const unique = new Map(
    rows
      .toReversed()
      .map((row) => [named.flatMap(({ name }, at) => (new Set<string>(keyColumns).has(name) ? [row[at]] : [])).join('|'), row]),
  )
  const table = silverTableName(file)
  const select = named.map(({ column, name }) =>
    ['instant', 'datetime', 'day'].includes(column.type) ? `epoch_us(${name}) AS ${name}` : name,
  )
  const from = `FROM silver.${table} WHERE source_object = '${key}' AND symbol = '${file.symbol}'`
  const held: object[] = []
  for (const second of [0, 1])
    held.push(...(await lakehouse.select(`SELECT ${select.join(', ')} ${from} AND epoch_us(${eventTime}) // 1000 % 2 = ${second}`)))
  const text = (row: readonly unknown[]) => row.map((value) => `${typeof value}:${value}`).join('|')
  assert.deepEqual(held.map((row) => text(Object.values(row))).sort(), [...unique.values()].map(text).sort(), key)
  return rows.length
}

const TYPE_OF = /\.(spot|futures_um|futures_cm|option)\.(\w+)\.excerpt\.csv$/
const MARKETS: Readonly<Record<string, Market>> = { spot: 'spot', futures_um: 'um', futures_cm: 'cm', option: 'option' }

/** The excerpts as objects of an archive. */
async function excerptsAsArchive(data: string, archive: string): Promise<string[]> {
  const keys: string[] = []
  for (const name of await readdir(join(data, 'excerpts'))) {
    const [, folder = 'spot', type = 'aggTrades'] = TYPE_OF.exec(name) ?? []
    const [symbol = '', middle = '', ...date] = name.split('.')[0]?.split('-') ?? []
    const intervals = DATASETS[type as DatasetId].id.endsWith('lines') ? (middle as Interval) : undefined
    const file: ArchiveFile = {
      exchange: 'binance',
      market: MARKETS[folder] ?? 'spot',
      dataset: type as DatasetId,
      symbol,
      interval: intervals,
      period: date.length === 3 ? 'daily' : 'monthly',
      date: date.join('-'),
    }
    const key = printArchiveKey(file)
    await writeObject(archive, key, await readFile(join(data, 'excerpts', name)), [])
    keys.push(key)
  }
  return keys
}

async function realArchive(context: TestContext, data: string) {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const keys = await excerptsAsArchive(data, archive)
  return { folder, archive, keys }
}

test('real excerpts of every type are decoded: each field as an independent reader has it, empty ones null', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const { folder, archive, keys } = await realArchive(context, data)
  const { lakehouse, result } = await ingestAll(join(folder, 'lake'), archive)
  assert.deepEqual(result.errors, [])
  assert.deepEqual([result.counts.rowsRejected, result.counts.filesQuarantined], [0, 0])
  let rows = 0
  for (const key of keys) rows += await assertSame(lakehouse, archive, key)
  assert.equal(result.counts.rowsRead, rows)
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
})

test('real files of aggregated trades, funding and options, whole', async (context) => {
  const data = realData(context)
  if (data === undefined) return
  const archive = join(data, 'archive')
  const lakehouse = openLakehouse({ lake: join(await temporaryFolder(context), 'lake'), archive })
  const types = ['aggTrades', 'fundingRate', 'EOHSummary'] as const
  const request = { types, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(LAYERS) }
  const { errors, counts } = await lakehouse.ingest({ ...request, onProgress: () => {}, onNotice: () => {} })
  assert.deepEqual([errors, counts.rowsRejected], [[], 0])
  const names = await readdir(join(archive), { recursive: true })
  const keys = names.filter((name) => name.endsWith('.zip') && types.some((type) => name.includes(`/${type}/`)))
  assert.ok(keys.length >= 5)
  for (const key of keys) await assertSame(lakehouse, archive, key)
})

test('a simulated archive of every market and type: all rows arrive, tables are whole, a second run does nothing', async (context) => {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  const typesOf = (market: Market) => OFFERS.filter((entry) => entry.market === market).map(({ dataset }) => dataset)
  const symbols = { spot: 'BTCUSDT', um: 'ETHUSDT', cm: 'BTCUSD_PERP', option: 'BTCUSDT' } as const
  const series = Object.entries(symbols).map(([market, symbol]) => ({
    market: market as Market,
    symbol,
    types: typesOf(market as Market),
    intervals: ['1h' as const],
  }))
  const keys = await writeArchive(archive, {
    seed: 'types',
    series,
    start: Date.UTC(2024, 0, 30),
    days: 3,
    tradesPerDay: 50,
    periods: ['daily'],
  })
  const monthly = await writeArchive(archive, {
    seed: 'types',
    series,
    start: Date.UTC(2024, 1, 1),
    days: 29,
    tradesPerDay: 5,
    periods: ['monthly'],
  })
  const lake = join(folder, 'lake')
  const { lakehouse, result } = await ingestAll(lake, archive)
  assert.deepEqual(result.errors, [])
  assert.deepEqual([result.counts.rowsRejected, result.counts.filesQuarantined], [0, 0])
  for (const key of keys.filter((one) => !one.includes('2024-02-01'))) await assertSame(lakehouse, archive, key)
  const fundings = monthly.filter((key) => key.includes('fundingRate'))
  for (const key of fundings) await assertSame(lakehouse, archive, key)
  assert.ok(fundings.length === 2 && keys.length > 40)
  assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check(undefined)), [])
  const again = await ingestAll(lake, archive)
  assert.deepEqual([again.result.counts.partitionsWritten, again.result.counts.filesFetched], [0, 0])
})
