import assert from 'node:assert/strict'
import { join } from 'node:path'
import { configSchema } from '../../src/config/schema.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import type { FaultRule } from '../../src/simulator/faults.ts'
import { Random } from '../../src/simulator/random.ts'
import { serveArchive } from '../../src/simulator/server.ts'
import { monthlyKey, smallArchive } from './archives.ts'
import { killedCli } from './killed-cli.ts'
import { leftovers, liveState } from './lake-state.ts'
import { ingestKlines, openLakehouse } from './lakehouse.ts'

/** What the way does to the bytes while runs are killed; no key meets two wrong digests, which would rightly quarantine it. */
const FAULTS: readonly FaultRule[] = [
  { fault: { kind: 'status', status: 503, retryAfter: 0 }, match: /zip/, probability: 0.05 },
  { fault: { kind: 'reset' }, match: /zip$/, probability: 0.05 },
  { fault: { kind: 'short' }, match: /zip$/, probability: 0.05 },
  { fault: { kind: 'wrong-bytes' }, match: /zip$/, times: 1, probability: 0.2 },
  { fault: { kind: 'drip', pieceMs: 2 }, match: /zip$/, probability: 0.1 },
]

const ingest = (lake: string, archive: string, killAfterMs?: number) =>
  killedCli(
    ['ingest', 'klines', '--archive', archive, '--lake', lake, '--quiet'],
    { LAKEHOUSE_ARCHIVE_RETRY_DELAY_MS: '5', LAKEHOUSE_ARCHIVE_ATTEMPTS: '12' },
    killAfterMs,
  )

async function contents(lake: string): Promise<unknown[]> {
  const lakehouse = new Lakehouse(configSchema.parse({ lake }), {
    nowMs: Date.now,
    random: Math.random,
    signal: new AbortController().signal,
  })
  const tables = (await lakehouse.status()).tables.map((table) => table.name)
  const found: unknown[] = []
  for (const table of tables)
    found.push(table, ...(await lakehouse.select(`SELECT count(*) AS n, bit_xor(hash(t::VARCHAR)) AS content FROM ${table} t`)))
  return found
}

/** A lake that holds a day of hours already, and keeps indicators over them. */
async function begin(lake: string, archive: string): Promise<void> {
  const lakehouse = openLakehouse({ lake, archive })
  const range = { start: Date.UTC(2024, 0, 1) * 1000, end: Date.UTC(2024, 0, 2) * 1000 }
  await ingestKlines(lakehouse, { symbols: ['BTCUSDT'], intervals: ['1h'], range })
  const table = { name: 'kept', source: 'silver.binance_spot_klines_1h', spec: 'rsi(14), ema(20), macd(12, 26, 9), vwap', benchmark: '' }
  await lakehouse.withGold(true, (gold) => gold.saveIndicators(table))
}

/**
 * Kills an ingestion over a faulty archive at random moments, each time followed by a rerun, and compares with a lake that was never killed: the same live data
 * files byte for byte, the same query results, nothing left over. Returns how long the unkilled run took and how many kills hit a run that was still at work.
 */
export async function killRounds(
  folder: string,
  rounds: number,
  seed: string,
  report: (text: string) => void = () => {},
): Promise<{ baseMs: number; hits: number }> {
  const directory = join(folder, 'archive')
  const defects = new Map([[monthlyKey('BTCUSDT', '2024-01'), [{ kind: 'missing-lines' as const, from: 1440 * 3, count: 1440 }]]])
  await smallArchive(directory, {
    symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'],
    start: Date.UTC(2024, 0, 1),
    days: 35,
    tradesPerDay: 150,
    periods: ['daily', 'monthly'],
    intervals: ['1m', '1h'],
    defects,
  })
  const whole = join(folder, 'whole')
  await begin(whole, directory)
  const calm = await serveArchive({ directory })
  const base = await ingest(whole, calm.url)
  await calm.close()
  const expected = { files: await liveState(whole), contents: await contents(whole) }
  const random = new Random(seed)
  let hits = 0
  for (let round = 1; round <= rounds; round++) {
    const lake = join(folder, `lake-${round}`)
    await begin(lake, directory)
    const server = await serveArchive({ directory, faults: FAULTS, seed: `${seed}:${round}` })
    const killAfterMs = 150 + random.uniform() * base.ms * 1.2
    const killed = await ingest(lake, server.url, killAfterMs)
    if (killed.code === null) hits++
    const rerun = await ingest(lake, server.url)
    await server.close()
    assert.ok(rerun.code === 3 || rerun.code === 0, `round ${round}: the rerun ended with ${rerun.code}`)
    assert.deepEqual(await liveState(lake), expected.files, `round ${round}: other live files`)
    assert.deepEqual(await contents(lake), expected.contents, `round ${round}: other contents`)
    assert.deepEqual(await leftovers(lake), [], `round ${round}: something was left`)
    report(
      `round ${round}: killed after ${Math.round(killAfterMs)} ms (${killed.code === null ? 'at work' : 'it had ended'}), the rerun took ${Math.round(rerun.ms)} ms, all equal`,
    )
  }
  return { baseMs: base.ms, hits }
}
