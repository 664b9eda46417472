import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import * as arrow from 'apache-arrow'
import { collectionOptions } from '../../src/config/archive-collection.ts'
import { loadConfig } from '../../src/config/load.ts'
import * as api from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'
import { stateFor, transfersWith } from '../support/transfers.ts'

/** Every class with the methods that the specification names. */
const CLASSES = {
  EnhancedBulkDownloader: ['downloadFilesBatch', 'determineOperationMode', 'getStats'],
  S3DirectSyncDownloader: ['syncFilesDirect', 'syncDirectoryDirect', 'generateS5cmdBatchFile', 'executeS5cmdBatch', 'getEfficiencyStats'],
  TraditionalBulkDownloader: ['downloadFilesBatch', 'processFile', 'uploadToS3', 'cleanupLocalFiles', 'getDownloadStats'],
  DataProcessor: ['cleanAndValidate', 'computeTechnicalIndicators', 'assessDataQuality', 'detectAnomalies'],
  S3Storage: ['storeRawData', 'storeProcessedData', 'storeAggregatedData', 'queryData'],
  ParallelProcessor: ['processBatch'],
  ResourceOptimizer: ['optimizeBatchSize'],
  ResourceAllocator: ['allocateResources'],
  AutoScaler: ['scaleDecision'],
  MetricsCollector: ['collectMetrics'],
  MonitoringSystem: ['collectMetrics', 'checkAlerts', 'sendAlert'],
} as const

for (const [name, methods] of Object.entries(CLASSES))
  test(`${name} has the methods that the specification names`, () => {
    const { prototype } = new Map<string, unknown>(Object.entries(api)).get(name) as { prototype: Record<string, unknown> }
    for (const method of methods) assert.equal(typeof prototype[method], 'function', method)
  })

const YAML = `archive_collection:
  workflow_type: "archive_samples"
  base_output_dir: "output/archive-samples"
  enable_s3_direct_sync: true
  operation_mode: "auto"
  s3_direct_sync:
    destination_bucket: "crypto-lakehouse-bronze"
    destination_prefix: "binance/archive"
    sync_mode: "copy"
    enable_incremental: true
    performance_optimization: { max_concurrent: 16, batch_size: 200, part_size_mb: 100, retry_count: 5 }
    s3_config: { region: "us-east-1", endpoint_url: null }
`

test('the YAML of the specification loads unchanged; what it does not name comes from the built-in matrix', async (context) => {
  const file = join(await temporaryFolder(context), 'lakehouse.yaml')
  await writeFile(file, YAML)
  const { config } = loadConfig({ flags: {}, environment: {}, file })
  const collection = config.archive_collection ?? assert.fail()
  assert.deepEqual([collection.markets, collection.symbols, collection.data_types], [[...api.MARKETS], ['*'], ['all']])
  const options = collectionOptions(collection, config.sync)
  assert.deepEqual(
    [options.downloads, options.destination, options.concurrency, options.batchSize, options.partSizeMb, options.attempts],
    ['output/archive-samples', 's3://crypto-lakehouse-bronze/binance/archive?region=us-east-1', 16, 200, 100, 6],
  )
  const fewer = YAML.replace('max_concurrent: 16, ', '').replace('operation_mode', 'max_parallel_downloads: 4\n  operation_mode')
  await writeFile(file, fewer)
  const other = loadConfig({ flags: {}, environment: {}, file }).config
  assert.equal(collectionOptions(other.archive_collection ?? assert.fail(), other.sync).concurrency, 4)
  await writeFile(file, YAML.replace('base_output_dir', 'output_directory: "elsewhere"\n  base_output_dir'))
  assert.throws(() => loadConfig({ flags: {}, environment: {}, file }), /base_output_dir: differs from output_directory/)
})

test('ENV selects the configuration of an environment, which lies over the common one', async (context) => {
  const folder = await temporaryFolder(context)
  const file = join(folder, 'lakehouse.yaml')
  await writeFile(file, 'lake: ./common\nsync: { concurrency: 5, attempts: 3 }\n')
  await writeFile(join(folder, 'lakehouse.production.yaml'), 'sync: { concurrency: 9 }\n')
  const load = (ENV: string) => loadConfig({ flags: {}, environment: { ENV }, file })
  const { config, overlay } = load('production')
  assert.deepEqual([config.lake, config.sync.concurrency, config.sync.attempts], ['./common', 9, 3])
  assert.equal(overlay, join(folder, 'lakehouse.production.yaml'))
  for (const other of ['development', '/root/.shrc', '']) assert.equal(load(other).config.sync.concurrency, 5)
  await writeFile(join(folder, 'lakehouse.production.yaml'), 'sync: { concurency: 9 }\n')
  assert.throws(() => load('production'), /lakehouse.production.yaml: unknown key sync.concurency: did you mean sync.concurrency/)
})

test('a source on a web site goes the traditional way; each task has its result and its target key', async (context) => {
  const bytes = Buffer.from('PK made up')
  const site = createServer((request, response) => {
    if (request.url !== '/data/spot/a%20b.zip') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  context.after(() => site.close())
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const [directory, destination] = [await temporaryFolder(context), await temporaryFolder(context)]
  const { config } = transfersWith({ state: await stateFor(context), settings: { destination } })
  const downloader = api.EnhancedBulkDownloader.open(config, {}, { directory, onNotice: () => {} })
  const tasks = [{ sourceUrl: `${url}/data/spot/none.zip` }, { sourceUrl: `${url}/data/spot/a%20b.zip` }]
  const { mode, conditions } = downloader.determineOperationMode(tasks)
  assert.equal(mode, 'traditional')
  assert.ok(conditions.some(({ name }) => name === 's5cmd_available'))
  const results = await downloader.downloadFilesBatch(tasks)
  assert.deepEqual(
    results.map(({ success, status, bytes }) => [success, status, bytes]),
    [
      [false, 'missing', 0],
      [true, 'copied', bytes.length],
    ],
  )
  assert.deepEqual(await readFile(join(destination, 'data/spot/a b.zip')), bytes)
  const stats = downloader.getStats()
  assert.deepEqual([stats.direct_sync_used, stats.traditional_used, stats.files_synced, stats.files_failed], [0, 1, 1, 1])
  await assert.rejects(downloader.downloadFilesBatch([{ sourceUrl: 'ftp://host/file' }]), { code: 'CONFIG_INVALID' })
  await assert.rejects(downloader.downloadFilesBatch([{ sourceUrl: `${url}/` }]), { code: 'CONFIG_INVALID' })
})

test('AutoScaler takes cpu_usage, memory_usage and queue_depth; a missing one is 0, an unknown one is refused', () => {
  assert.equal(new api.AutoScaler().scaleDecision({ cpu_usage: 90 }), 'scale_up')
  assert.equal(new api.AutoScaler().scaleDecision({ queue_depth: 101 }), 'scale_up')
  assert.equal(new api.AutoScaler().scaleDecision({ memory_usage: 50 }), 'maintain')
  const unknown = { cpuPercent: 90 } as Record<string, number>
  assert.throws(() => new api.AutoScaler().scaleDecision(unknown), { code: 'USAGE', message: /cpuPercent/ })
  assert.throws(() => new api.AutoScaler().scaleDecision({ cpu_usage: Number.NaN }), { code: 'USAGE', message: /cpu_usage/ })
})

test('metrics and alerts have the keys and thresholds of the specification', async () => {
  let now = 0
  const metrics = new api.MetricsCollector({ windowMs: 10_000, nowMs: () => now })
  assert.equal(metrics.collectMetrics().data_quality, 1)
  metrics.recordWork({ items: 100, failed: 6, durationMs: 1500 })
  metrics.recordQuality(85)
  const found = metrics.collectMetrics()
  assert.deepEqual(Object.keys(found), ['throughput', 'latency', 'error_rate', 'resource_usage', 'data_quality'])
  assert.deepEqual([found.throughput, found.latency, found.error_rate, found.data_quality], [10, 1500, 0.06, 0.85])
  assert.ok(found.resource_usage.memory > 0 && found.resource_usage.memory < 100)
  const sent: string[] = []
  const channel = async ({ name }: api.Alert) => void sent.push(name)
  const broken = () => Promise.reject(new Error('no route'))
  const monitoring = new api.MonitoringSystem(metrics, [broken, channel])
  const alerts = monitoring.checkAlerts()
  assert.deepEqual(
    alerts.map(({ name }) => name),
    ['high_error_rate', 'high_latency', 'low_data_quality'],
  )
  for (const alert of alerts) await assert.rejects(monitoring.sendAlert(alert), /1 of 2 channels did not take/)
  assert.deepEqual(sent, ['high_error_rate', 'high_latency', 'low_data_quality'])
  now = 60_000
  metrics.recordQuality(90)
  assert.deepEqual(monitoring.checkAlerts(), [])
})

test('S3Storage takes rows, columns, Arrow and SQL, in the order of arguments that the specification has', async (context) => {
  const lake = await temporaryFolder(context)
  const storage = new api.S3Storage(openLakehouse({ lake, archive: lake }))
  const at = new Date('2024-01-01T00:00:00Z')
  const rows = [
    { symbol: 'A', price: 1.5, trades: 9_007_199_254_740_993n, at, firm: true, note: null },
    { symbol: 'B', price: Number.NaN, trades: 2n, at, firm: false, note: null },
  ]
  assert.deepEqual(await storage.storeProcessedData(rows, 'spot', 'bookNotes'), { table: 'silver.spot_book_notes', rows: 2, files: 1 })
  const columns = { symbol: ['C'], price: [2], trades: [3n], at: [at], firm: [null], note: ['x'] }
  assert.equal((await storage.storeProcessedData(columns, 'spot', 'bookNotes')).rows, 1)
  const table = arrow.tableFromArrays({ symbol: ['D', 'E'], trades: BigInt64Array.of(4n, 5n), price: Float64Array.of(0.1, 0.2) })
  assert.equal((await storage.storeAggregatedData(table, 'daily')).rows, 2)
  assert.equal((await storage.storeAggregatedData(arrow.tableToIPC(table), 'hourly')).rows, 2)
  assert.equal((await storage.storeAggregatedData("SELECT 'F' AS symbol, 6::BIGINT AS trades, 1::DOUBLE AS price", 'daily')).rows, 1)
  const read = async (sql: string, layer: api.Layer) => Buffer.from(await storage.queryData(sql, layer, 'csv')).toString('utf8')
  assert.equal(
    await read('SELECT symbol, price, trades, firm, note FROM spot_book_notes ORDER BY symbol', 'silver'),
    'symbol,price,trades,firm,note\nA,1.5,9007199254740993,true,\nB,nan,2,false,\nC,2.0,3,,x\n',
  )
  assert.equal(await read('SELECT sum(trades) AS n, sum(price) AS p FROM daily', 'gold'), 'n,p\n15,1.3\n')
  const refused = async (data: api.TabularData, message: RegExp) =>
    await assert.rejects(storage.storeAggregatedData(data, 'daily'), { code: 'USAGE', message })
  await refused([], /no columns/)
  await refused({ a: [1], b: [1, 2] }, /column b has 2 values, the first column 1/)
  await refused([{ a: 1 }, { a: 'x' }], /row 2, column a: the value is VARCHAR, earlier values are DOUBLE/)
  await refused([{ a: () => 1 }], /row 1, column a: a function is not a column value/)
  await assert.rejects(storage.storeAggregatedData(rows, '../x'), { code: 'USAGE', message: /cannot name a table/ })
})
