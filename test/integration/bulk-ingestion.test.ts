import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import * as z from 'zod'
import { configSchema } from '../../src/config/schema.ts'
import { LakehouseError } from '../../src/core/errors.ts'
import { utc } from '../../src/core/time.ts'
import { buildSilver } from '../../src/flows/bulk-ingestion/build.ts'
import { deriveGold } from '../../src/flows/bulk-ingestion/derive.ts'
import { landFiles } from '../../src/flows/bulk-ingestion/land.ts'
import { noteNothing, selectHeld, type WantedFile, wantedFiles } from '../../src/flows/bulk-ingestion/plan.ts'
import { IngestReport } from '../../src/flows/bulk-ingestion/report.ts'
import type { IngestRequest } from '../../src/flows/bulk-ingestion/request.ts'
import type { FlowContext } from '../../src/flows/contract.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { runFlow } from '../../src/lakehouse/run-flow.ts'
import { hostOf } from '../../src/platform/host.ts'
import { dailyKey, smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'

const REQUEST: IngestRequest = {
  exchange: 'binance',
  types: ['klines'],
  markets: ['spot'],
  symbols: ['BTCUSDT'],
  intervals: ['1m'],
  range: undefined,
  layers: LAYERS,
  barIntervals: ['1d'],
  now: utc(2024, 2, 10),
}

/** A context of a flow over an archive of three days of two symbols. */
async function setUp(context: TestContext, options: Parameters<typeof smallArchive>[1] = {}) {
  const folder = await temporaryFolder(context)
  const archive = join(folder, 'archive')
  await smallArchive(archive, { days: 3, ...options })
  const config = configSchema.parse({ lake: join(folder, 'lake'), archive: { origin: archive, attempts: 1 }, engine: { workers: 1 } })
  /** Runs one step by itself, in a lake that is opened for it alone. */
  const step = async <T>(work: (flow: FlowContext<unknown>) => Promise<T>): Promise<T> => {
    const flow = { id: 'step', displayName: 'Trial', aliases: [], meaning: 'one step', input: z.undefined(), steps: [], run: work }
    return await runFlow(flow, undefined, { config, host: hostOf(), onNotice: () => {}, onProgress: () => {} })
  }
  return { archive, config, step }
}

const report = () => new IngestReport(() => {})

async function plan(flow: FlowContext<unknown>, request: IngestRequest, told: IngestReport): Promise<WantedFile[]> {
  await using fold = await flow.lake.readLedger()
  const { archive } = await flow.archive(request.exchange)
  const wanted: WantedFile[] = []
  for await (const file of wantedFiles(archive, fold, request, told)) wanted.push(file)
  return wanted
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

test('plan: the files of the selection with what the lake holds of them; what no file covers is told', async (context) => {
  const { step } = await setUp(context)
  const told = report()
  const range = { start: utc(2024, 1, 31), end: utc(2024, 2, 3) }
  const wanted = await step((flow) => plan(flow, { ...REQUEST, range }, told))
  assert.deepEqual(
    wanted.map(({ planned, known }) => [planned.key, known]),
    [
      [dailyKey('BTCUSDT', '2024-01-31'), undefined],
      [dailyKey('BTCUSDT', '2024-02-01'), undefined],
    ],
  )
  assert.deepEqual(
    told.findings.map(({ check, severity, from }) => [check, severity, from]),
    [['uncovered', 'info', '2024-02-02T00:00:00Z']],
  )
  assert.deepEqual([told.counts.filesPlanned, told.selected.length], [2, 1])
})

test('plan: a selection that fits nothing is a warning; a lake without bronze is asked for what it holds', async (context) => {
  const { step } = await setUp(context)
  const told = report()
  const request = { ...REQUEST, symbols: ['NONE*'] }
  assert.deepEqual(await step((flow) => plan(flow, request, told)), [])
  noteNothing(request, told)
  assert.deepEqual(
    told.findings.map(({ check, severity }) => [check, severity]),
    [['nothing_selected', 'warning']],
  )
  await step(async (flow) => landFiles(flow, await flow.archive('binance'), each(await plan(flow, REQUEST, report())), report()))
  const held = report()
  await step(async ({ lake }) => {
    await using fold = await lake.readLedger()
    await selectHeld(fold, REQUEST, held)
    await selectHeld(fold, { ...REQUEST, exchange: 'other' }, held)
  })
  assert.deepEqual(
    held.selected.map(({ series }) => [series.market, series.dataset, series.interval]),
    [['spot', 'klines', '1m']],
  )
})

test('land: what is there is skipped, what does not fit its checksum is quarantined, what is gone fails, and the others come all the same', async (context) => {
  const defects = new Map([[dailyKey('BTCUSDT', '2024-01-31'), [{ kind: 'wrong-checksum' } as const]]])
  const { archive, step } = await setUp(context, { defects })
  const land = async (told: IngestReport, before: () => Promise<void> = async () => {}) =>
    await step(async (flow) => {
      const files = await plan(flow, REQUEST, told)
      await before()
      await landFiles(flow, await flow.archive('binance'), each(files), told)
    })
  const first = report()
  await land(first, () => rm(join(archive, dailyKey('BTCUSDT', '2024-02-01'))))
  const { filesFetched, filesQuarantined, filesFailed } = first.counts
  assert.deepEqual([filesFetched, filesQuarantined, filesFailed], [1, 1, 1])
  assert.deepEqual([[...first.failed], first.errors.map(({ code }) => code)], [[dailyKey('BTCUSDT', '2024-02-01')], ['OBJECT_NOT_FOUND']])
  assert.deepEqual(
    first.findings.map(({ check, severity, symbol }) => [check, severity, symbol]),
    [['checksum_mismatch', 'error', 'BTCUSDT']],
  )
  const second = report()
  await land(second)
  const again = second.counts
  assert.deepEqual([again.filesFetched, again.filesSkipped, again.filesQuarantined], [0, 1, 1])
})

test('build and derive: tables are made of what was landed before, each step in a lake of its own', async (context) => {
  const { config, step } = await setUp(context)
  await step(async (flow) => landFiles(flow, await flow.archive('binance'), each(await plan(flow, REQUEST, report())), report()))
  const told = report()
  await step(async (flow) => {
    await using fold = await flow.lake.readLedger()
    await selectHeld(fold, REQUEST, told)
    await buildSilver(flow, { ...REQUEST, layers: ['silver'] }, told)
  })
  assert.deepEqual([told.counts.rowsWritten, told.counts.partitionsWritten, told.counts.gaps], [3 * 1440, 2, 0])
  await step(({ lake }) => deriveGold(lake, REQUEST, told))
  assert.deepEqual([told.counts.barsWritten, told.errors], [3, []])
  const lakehouse = new Lakehouse(config)
  const tables = await lakehouse.withTables(false, (some) => some.list())
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['silver.binance_spot_klines_1m', 'gold.binance_spot_bars_1d', 'gold.universe'],
  )
})

test('report: counts add up, progress is told as it is, findings of the lake are among those of the result', async (context) => {
  const { step } = await setUp(context)
  const seen: string[] = []
  const told = new IngestReport(({ phase, landed, rows }) => seen.push(`${phase} ${landed} ${rows}`))
  told.tell({ phase: 'bronze' })
  told.count({ landed: 1, bytes: 10 })
  told.count({ rows: 5 })
  told.add({ rowsRead: 2, gaps: 1 })
  told.add({ rowsRead: 3 })
  told.errors.push(new LakehouseError('OBJECT_NOT_FOUND', 'gone'))
  const { counts, errors, findings } = await step(async ({ lake }) => told.result(lake, { killed: 0, temporaries: 0, orphans: 0 }))
  assert.deepEqual(seen, ['bronze 0 0', 'bronze 1 0', 'bronze 1 5'])
  assert.deepEqual([counts.rowsRead, counts.gaps, errors.length, findings], [5, 1, 1, []])
})

test('a lakehouse is made of a configuration alone', async (context) => {
  const { config } = await setUp(context)
  const lakehouse = new Lakehouse(config)
  const part = { types: ['klines'], markets: [], symbols: ['BTCUSDT'], intervals: ['1m'], range: undefined } as const
  const { counts } = await lakehouse.ingest({ ...part, layers: new Set(LAYERS), onProgress: () => {}, onNotice: () => {} })
  assert.equal(counts.rowsWritten, 3 * 1440)
  assert.deepEqual(await lakehouse.select('SELECT count(*)::INTEGER AS n FROM silver.binance_spot_klines_1m'), [{ n: 3 * 1440 }])
})
