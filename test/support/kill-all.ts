import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from '../../src/simulator/random.ts'
import { smallArchive } from './archives.ts'
import { killedCli } from './killed-cli.ts'
import { leftovers } from './lake-state.ts'
import { ingestKlines, openLakehouse } from './lakehouse.ts'
import { contentOf } from './transfers.ts'

/** A command that writes. `prepare` gives it something to do. `outside` are the folders that it writes besides the lake. */
type Killed = {
  readonly name: string
  readonly args: readonly string[]
  readonly prepare?: (lake: string) => Promise<void>
  readonly outside?: readonly string[]
}

const MINUTES = 'silver.binance_spot_klines_1m'

/** Offsets of the clock of a run, ms: none, an hour ahead, an hour back, and into 2040. */
const CLOCKS = [0, 3_600_000, -3_600_000, Date.UTC(2040, 0, 1) - Date.UTC(2026, 10, 28)]

function commands(folder: string): Killed[] {
  const at = (name: string) => join(folder, name)
  return [
    { name: 'ingest', args: ['ingest', 'klines', '--archive', at('archive')] },
    { name: 'quality', args: ['quality'] },
    { name: 'gaps --fill', args: ['gaps', MINUTES, '--fill', '--synthetic'] },
    { name: 'indicators', args: ['indicators', 'compute', MINUTES, 'rsi(14), ema(20)', '--save', 'kept'] },
    { name: 'tables compact', args: ['tables', 'compact', 'gold.own'] },
    { name: 'tables expire', args: ['tables', 'expire', 'gold.own', '--older-than', '0s'] },
    { name: 'tables tag', args: ['tables', 'tag', MINUTES, 'kept'] },
    { name: 'universe', args: ['universe', '--exchange-info', at('answer.json')] },
    { name: 'backup', args: ['backup', at('backups')], outside: ['backups'] },
    { name: 'restore', args: ['restore', at('kept-backups')], prepare: (lake) => rm(join(lake, 'gold/own/metadata'), { recursive: true }) },
    { name: 'lake repair', args: ['lake', 'repair', '--archive', at('archive')], prepare: flipOne },
    { name: 'sync', args: ['sync', at('archive'), at('synced')], outside: ['synced'] },
    {
      name: 'query --output',
      args: ['query', `SELECT * FROM ${MINUTES} ORDER BY symbol, open_time`, '--format', 'csv', '--output', at('out/rows.csv')],
      outside: ['out'],
    },
    { name: 'tiers move', args: ['tiers', 'move'], outside: ['cool'] },
  ]
}

async function flipOne(lake: string): Promise<void> {
  const data = join(lake, 'silver/binance_spot_klines_1m/data')
  const [name = ''] = (await readdir(data, { recursive: true })).filter((one) => one.endsWith('.parquet')).toSorted()
  const bytes = await readFile(join(data, name))
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  await writeFile(join(data, name), bytes)
}

/** What a lake and the folders beside it hold, without what depends on clocks. */
async function state(folder: string, { outside = [], name }: Killed): Promise<unknown> {
  const tiers = { coolDirectory: join(folder, 'cool') }
  const lakehouse = openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive'), tiers })
  const tables: unknown[] = []
  for (const { name: table } of (await lakehouse.status()).tables) {
    const columns = await lakehouse.withTables(false, async (all) => (await all.describe(table)).schema)
    const stable = columns
      .filter(({ name: column }) => !/assessed|checked|recorded|filled_at|made_at/.test(column))
      .map(({ name: column }) => `"${column}"`)
    const [row] = await lakehouse.select(
      `SELECT count(*) AS n, bit_xor(hash((${stable.join(', ')})::VARCHAR))::VARCHAR AS content FROM ${table} t`,
    )
    tables.push([table, row])
  }
  const deep = await lakehouse.withTables(false, (all) => all.check(undefined, { deep: true }))
  const folders: unknown[] = []
  for (const one of outside.map((part) => join(folder, part)))
    if (name === 'backup') folders.push(await unfinishedBackups(one))
    // What is old enough to move depends on the clock.
    else folders.push([name === 'tiers move' ? {} : await contentOf(one), await temporaries(one)])
  return { tables, deep, folders }
}

/** A killed command may have completed its backup, so their number is not compared. */
async function unfinishedBackups(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  const unfinished = await Promise.all(
    names.map(async (name) => ((await readdir(join(folder, name))).includes('backup.json') ? [] : [name])),
  )
  return [...unfinished.flat().filter((name) => name !== '.writing'), ...(await readdir(join(folder, '.writing')))]
}

async function temporaries(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => name.includes('.tmp-'))
}

/**
 * Kills each command at random moments, with another clock in each run, and runs it again: the lake and what lies beside it equal those of a run without a kill.
 * Returns how many kills hit a command at work.
 */
export async function killEverything(
  folder: string,
  rounds: number,
  seed: string,
  report: (text: string) => void = () => {},
): Promise<number> {
  const random = new Random(seed)
  await makeLake(folder)
  const clock = join(folder, 'clock.mjs')
  await writeFile(clock, CLOCK)
  const run = (command: Killed, offsetMs: number, killAfterMs?: number) =>
    killedCli(
      [...command.args, '--lake', join(folder, 'lake'), '--quiet'],
      {
        NODE_OPTIONS: `--import=${clock}`,
        CLOCK_OFFSET_MS: String(offsetMs),
        LAKEHOUSE_SYNC_STATE: join(folder, 'state'),
        LAKEHOUSE_TIERS_COOL_DIRECTORY: join(folder, 'cool'),
        LAKEHOUSE_TIERS_SILVER_COOL_AFTER_DAYS: '1',
      },
      killAfterMs,
    )
  const expected = new Map<string, { state: unknown; ms: number; code: number | null }>()
  let hits = 0
  for (let round = 0; round < rounds; round++) {
    const all = commands(folder)
    const command = all[round % all.length]
    assert.ok(command !== undefined)
    const begin = async () => {
      for (const name of ['lake', 'state', ...(command.outside ?? [])]) await rm(join(folder, name), { recursive: true, force: true })
      await cp(join(folder, 'before'), join(folder, 'lake'), { recursive: true, preserveTimestamps: true })
      for (const name of command.outside ?? []) await mkdir(join(folder, name), { recursive: true })
      await command.prepare?.(join(folder, 'lake'))
    }
    const [first, second] = [CLOCKS[random.integer(CLOCKS.length)] ?? 0, CLOCKS[random.integer(CLOCKS.length)] ?? 0]
    if (!expected.has(command.name)) {
      await begin()
      const { ms, code } = await run(command, 0)
      expected.set(command.name, { state: await state(folder, command), ms, code })
    }
    const good = expected.get(command.name)
    await begin()
    const killAfterMs = 100 + random.uniform() * (good?.ms ?? 0)
    const killed = await run(command, first, killAfterMs)
    if (killed.code === null) hits++
    const rerun = await run(command, second)
    const about = `round ${round}, ${command.name}, killed after ${Math.round(killAfterMs)} ms, clocks ${first} and ${second}`
    assert.ok(rerun.code === 0 || rerun.code === 3, `${about}: the rerun ended with ${rerun.code}`)
    assert.deepEqual(await state(folder, command), good?.state, `${about}: other content`)
    // Some commands only read the lake; what the killed one left there goes with the next that writes.
    await openLakehouse({ lake: join(folder, 'lake'), archive: join(folder, 'archive') }).withTables(true, async () => {})
    assert.deepEqual(await leftovers(join(folder, 'lake')), [], `${about}: something was left`)
    report(`${about}: ${killed.code === null ? 'at work' : 'it had ended'}, all equal`)
  }
  return hits
}

/** A lake with work for every command: new days in the archive, a gap, small files, an answer of the exchange. */
async function makeLake(folder: string): Promise<void> {
  const [lake, archive] = [join(folder, 'before'), join(folder, 'archive')]
  const plan = { symbols: ['BTCUSDT', 'ETHUSDT'], start: Date.UTC(2024, 0, 28), tradesPerDay: 100, intervals: ['1m', '1h'] as const }
  const key = 'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-29.zip'
  const defects = new Map([[key, [{ kind: 'missing-lines' as const, from: 100, count: 50 }]]])
  await smallArchive(archive, { ...plan, days: 4, defects })
  await mkdir(join(folder, 'cool'), { recursive: true })
  // The lake is always at the same address, because its tables name it.
  const home = join(folder, 'lake')
  const lakehouse = openLakehouse({ lake: home, archive })
  await ingestKlines(lakehouse)
  const shape = { fields: [{ id: 1, name: 'id', type: 'long' as const, required: false }], partition: [], sort: ['id'] }
  for (let n = 0; n < 6; n++)
    await lakehouse.withTables(true, (tables) =>
      tables.write('gold.own', `SELECT ${n} * 1000 + n AS id FROM range(1000) t(n)`, { mode: 'append', shape }),
    )
  await lakehouse.backUp(join(folder, 'kept-backups'))
  await smallArchive(archive, { ...plan, days: 6, defects })
  const answer = {
    serverTime: Date.UTC(2024, 1, 3),
    symbols: [{ symbol: 'NEWUSDT', status: 'TRADING', baseAsset: 'NEW', quoteAsset: 'USDT' }],
  }
  await writeFile(join(folder, 'answer.json'), JSON.stringify(answer))
  await cp(home, lake, { recursive: true, preserveTimestamps: true })
}

/** Moves the clock of a process. */
const CLOCK = `const offset = Number(process.env.CLOCK_OFFSET_MS ?? 0)
if (offset !== 0) {
  const Real = Date
  globalThis.Date = class extends Real {
    constructor(...args) { args.length === 0 ? super(Real.now() + offset) : super(...args) }
    static now() { return Real.now() + offset }
  }
}
`
