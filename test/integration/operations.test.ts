import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { call } from '../../src/operations/contract.ts'
import { EXAMPLE } from '../../src/operations/examples.ts'
import { OPERATIONS, type OperationId } from '../../src/operations/registry.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { outsideOf } from '../support/operations.ts'

const START = Date.UTC(2024, 0, 1)

/** Operations whose examples need what others have made, each after those. */
const FIRST: readonly OperationId[] = [
  'ingest',
  'quality',
  'tables.tag',
  'tables.diff',
  'tables.rollback',
  'backup',
  'sync',
  'export.training',
  'indicators.save',
]

/** An archive with days of two symbols; the third day of one has a line too many, of garbage or of nothing. */
async function archive(folder: string, seed: string): Promise<void> {
  const text = '1704240660000,1,1,1,1,1,170424071999O,1,1,1,1,0'
  const defects = new Map([[dailyKey(EXAMPLE.symbol, '2024-01-03'), [{ kind: 'garbage-line', at: 11, text } as const]]])
  await smallArchive(join(folder, 'archive'), { start: START, days: 5, seed, defects })
}

test('the example of every operation works and matches its result schema', async (context) => {
  const folder = await temporaryFolder(context)
  const before = process.cwd()
  process.chdir(folder)
  context.after(() => process.chdir(before))
  await archive(folder, 'one')
  const flags = { 'archive.origin': 'archive', 'sync.state': join(folder, 'state'), 'tiers.coolDirectory': join(folder, 'cool') }
  const outside = outsideOf('lake', { flags })
  await call(await OPERATIONS.ingest(), outside, OPERATIONS_INPUT)
  await archive(folder, 'two')
  const symbols = [{ symbol: 'BTCUSDT', status: 'TRADING', baseAsset: 'BTC', quoteAsset: 'USDT', permissions: ['SPOT'] }]
  await writeFile('exchange-info.json', JSON.stringify({ timezone: 'UTC', serverTime: Date.UTC(2024, 0, 6), rateLimits: [], symbols }))
  const rest = (Object.keys(OPERATIONS) as OperationId[]).filter((id) => !FIRST.includes(id))
  for (const id of [...FIRST, ...rest]) {
    const one = await OPERATIONS[id]()
    const outcome = await call(one as never, outside, one.example as never).catch((error: unknown) => assert.fail(`${id}: ${error}`))
    assert.ok(outcome.status !== 'failed', `${id}: ${JSON.stringify(outcome.errors)}`)
    const sent = JSON.parse(JSON.stringify(outcome.result)) as unknown
    const parsed = one.result.safeParse(sent)
    assert.ok(parsed.success, `${id}: ${parsed.error?.message} ${JSON.stringify(sent).slice(0, 500)}`)
    assert.deepEqual(parsed.data, sent, id)
  }
})

const OPERATIONS_INPUT = { types: ['klines'], symbols: [EXAMPLE.symbol], intervals: ['1m'] }

test('rows in a format are written while they are computed, and are not items', async (context) => {
  const folder = await temporaryFolder(context)
  await archive(folder, 'one')
  const output = new PassThrough()
  const outside = outsideOf(join(folder, 'lake'), {
    flags: { 'archive.origin': join(folder, 'archive') },
    output,
  })
  await call(await OPERATIONS.ingest(), outside, OPERATIONS_INPUT)
  const sql = `SELECT count(*) AS n FROM ${EXAMPLE.minutes}`
  const query = await OPERATIONS.query()
  const { result } = await call(query, outside, { sql, format: 'csv' })
  const written = String(output.read())
  assert.deepEqual(
    [written.split(/\s+/), result.items, result.tables?.map(({ table }) => table)],
    [['n', '7200', ''], undefined, [EXAMPLE.minutes]],
  )
  assert.deepEqual((await call(query, outside, { sql })).result.items, [{ n: 7200 }])
})

test('an operation can use another archive, and reports each file as it is found', async (context) => {
  const folder = await temporaryFolder(context)
  await archive(folder, 'one')
  const found: string[] = []
  const { counts } = await call(
    await OPERATIONS['catalog.files'](),
    outsideOf(join(folder, 'none'), { flags: { 'archive.origin': join(folder, 'nowhere') } }),
    { archive: join(folder, 'archive'), symbols: ['ETH*'] },
    ({ key }) => found.push(key),
  )
  assert.deepEqual([counts.items, found.length, found[0]], [5, 5, dailyKey('ETHUSDT', '2024-01-01')])
})
