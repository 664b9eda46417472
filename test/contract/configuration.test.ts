import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { configurationPage } from '../../scripts/configuration-page.ts'
import { archiveCollection, collectionOptions } from '../../src/config/archive-collection.ts'
import { loadConfig } from '../../src/config/load.ts'
import { temporaryFolder } from '../support/folders.ts'

test('docs/configuration.md tells every key as the schema has it', () => {
  assert.equal(readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8'), configurationPage())
})

const COLLECTION = {
  workflow_type: 'enhanced_archive_collection',
  matrix_path: 'configs/archive_matrix.json',
  output_directory: 'output',
  markets: ['spot'],
  symbols: ['BTCUSDT'],
  data_types: ['klines'],
  intervals: ['1m'],
  date_range: { start: '2024-01-01', end: '2024-01-31' },
  part_size_mb: 100,
  s5cmd_extra_args: ['--no-sign-request', '--retry-count=3'],
  s3_direct_sync: {
    operation_mode: 'auto',
    destination_bucket: 'lake',
    destination_prefix: 'binance/archive',
    performance_optimization: { max_concurrent: 16, batch_size: 200, retry_count: 5 },
    s3_config: { region: 'ap-northeast-1', endpoint_url: null, storage_class: 'STANDARD_IA' },
  },
  quality_control: { enable_checksum_validation: true, max_retry_attempts: 4, timeout_seconds: 120 },
}

test('a collection becomes transfer settings, also with the key layout of older files', async (context) => {
  const folder = await temporaryFolder(context)
  const load = async (collection: unknown) => {
    const file = join(folder, 'lakehouse.yaml')
    await writeFile(file, stringify({ archive_collection: collection }))
    return loadConfig({ flags: {}, environment: {}, file }).config
  }
  const { s3_direct_sync: direct, ...rest } = COLLECTION
  for (const collection of [COLLECTION, { ...rest, ...direct }]) {
    const config = await load(collection)
    const options = collectionOptions(config.archive_collection ?? assert.fail(), config.sync)
    assert.equal(options.destination, 's3://lake/binance/archive?region=ap-northeast-1')
    assert.deepEqual(
      [
        options.concurrency,
        options.partSizeMb,
        options.attempts,
        options.idleTimeoutMs,
        options.storageClass,
        options.verify,
        options.downloads,
      ],
      [16, 100, 5, 120_000, 'STANDARD_IA', 'sha256', 'output'],
    )
  }
  await assert.rejects(load({ ...COLLECTION, sync_mode: 'sync', s3_direct_sync: { ...direct, sync_mode: 'copy' } }), /is set twice/)
  await assert.rejects(
    load({ ...COLLECTION, max_paralel_downloads: 4 }),
    /unknown key archive_collection.max_paralel_downloads: did you mean archive_collection.max_parallel_downloads/,
  )
  await assert.rejects(
    load({ ...COLLECTION, s3_direct_sync: { ...direct, organize_by_prefix: false } }),
    /must be true or be removed: keys keep the paths/,
  )
})

test('invalid and contradictory values are refused, with their keys', () => {
  const direct = COLLECTION.s3_direct_sync
  const wrong: [string, object][] = [
    ['max_parallel_downloads', { ...COLLECTION, max_parallel_downloads: 33 }],
    ['max_parallel_downloads', { ...COLLECTION, max_parallel_downloads: '8' }],
    ['batch_size', { ...COLLECTION, batch_size: 0 }],
    ['markets', { ...COLLECTION, markets: [] }],
    ['date_range', { ...COLLECTION, date_range: { start: '2024-02-01', end: '2024-01-01' } }],
    ['s5cmd_extra_args', { ...COLLECTION, s5cmd_extra_args: ['--endpoint-url=http://elsewhere'] }],
    ['operation_mode', { ...COLLECTION, s3_direct_sync: { ...direct, enable_s3_direct_sync: false, operation_mode: 'direct_sync' } }],
    ['use_accelerated_endpoint', { ...COLLECTION, s3_direct_sync: { ...direct, s3_config: { use_accelerated_endpoint: true } } }],
    ['destination_bucket', { ...COLLECTION, s3_direct_sync: {} }],
  ]
  for (const [key, collection] of wrong) {
    const { success, error } = archiveCollection.safeParse(collection)
    assert.ok(!success && error.issues.some(({ path }) => path.includes(key)), key)
  }
})
