import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configSchema } from '../../src/config/schema.ts'
import { asLakehouseError } from '../../src/core/errors.ts'
import type { Finding } from '../../src/core/finding.ts'
import { DATASET_IDS } from '../../src/datasets/registry.ts'
import { LAYERS } from '../../src/lake/layout.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { S3Storage } from '../../src/specification/s3-storage.ts'
import { dailyKey, smallArchive } from './archives.ts'
import { liveState } from './lake-state.ts'

/** A lake with every kind of file, a backup and a copy of it. */
export type DamagedLake = {
  readonly folder: string
  readonly lakehouse: () => Lakehouse
  /** The files to damage, by the name of their kind. */
  readonly files: ReadonlyMap<string, string>
  readonly state: Readonly<Record<string, string>>
}

export type Hurt = 'flipped byte' | 'cut tail' | 'absence'
export const HURTS: readonly Hurt[] = ['flipped byte', 'cut tail', 'absence']

/** How one damage ended. */
export type Ending = {
  readonly kind: string
  readonly hurt: Hurt
  /** Commands that notice the damage. */
  readonly noticedBy: readonly string[]
  /** The command that repairs it, or why there is none. */
  readonly repairedBy: string
  /** Whether every live data file is as it was. */
  readonly isWhole: boolean
}

const BAD = dailyKey('BTCUSDT', '2024-01-31')
const LOST = dailyKey('ETHUSDT', '2024-01-30')
const ANSWER = JSON.stringify({
  timezone: 'UTC',
  serverTime: Date.UTC(2024, 1, 3),
  symbols: [{ symbol: 'BTCUSDT', status: 'TRADING', baseAsset: 'BTC', quoteAsset: 'USDT', permissions: ['SPOT'], filters: [] }],
})

export async function makeDamagedLake(folder: string): Promise<DamagedLake> {
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  const config = configSchema.parse({
    lake,
    archive: { origin: archive, attempts: 1 },
    engine: { workers: 1 },
    gold: { intervals: ['1h'] },
  })
  const lakehouse = () => new Lakehouse(config)
  const ingest = () =>
    lakehouse().ingest({
      types: DATASET_IDS,
      markets: [],
      symbols: [],
      intervals: [],
      range: undefined,
      layers: new Set(LAYERS),
      onProgress: () => {},
      onNotice: () => {},
    })
  const plan = { days: 3, symbols: ['BTCUSDT', 'ETHUSDT'], tradesPerDay: 200 }
  // A revision, an object with wrong bytes that is later right, and lines that cannot be decoded.
  await smallArchive(archive, {
    ...plan,
    defects: new Map([
      [BAD, [{ kind: 'missing-lines', from: 10, count: 5 }]],
      [LOST, [{ kind: 'wrong-checksum' }]],
    ]),
  })
  await ingest()
  await smallArchive(archive, plan)
  await ingest()
  await lakehouse().withQuality(true, (quality) => quality.keepExchangeInfo('binance', Buffer.from(ANSWER), 'answer.json'))
  await lakehouse().withTables(true, (tables) =>
    tables.write('gold.own', 'SELECT n AS id, n * 1.5 AS price FROM range(100) t(n)', {
      mode: 'append',
      shape: {
        fields: [
          { id: 1, name: 'id', type: 'long', required: false },
          { id: 2, name: 'price', type: 'double', required: false },
        ],
        partition: [],
        sort: [],
      },
    }),
  )
  await new S3Storage(lakehouse()).storeRawData('raw bytes', { key: 'notes/today.txt', market: 'spot' })
  await ingest()
  await lakehouse().backUp(join(folder, 'backup'))
  await cp(lake, join(folder, 'copy'), { recursive: true })
  await cp(lake, join(folder, 'whole'), { recursive: true })
  const names = (await readdir(lake, { recursive: true, withFileTypes: true })).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name).slice(lake.length + 1)] : [],
  )
  return { folder, lakehouse, files: kinds(names.toSorted()), state: await liveState(lake) }
}

/** One file of each kind. */
function kinds(names: readonly string[]): Map<string, string> {
  const patterns: Readonly<Record<string, RegExp>> = {
    'lake marker': /^lakehouse\.json$/,
    'ledger segment': /^bronze\/_ledger\/.*-0-\w+\.ndjson$/,
    'last ledger segment of a run': /^bronze\/_ledger\/.*-[1-9]-\w+\.ndjson$/,
    'raw object': /^bronze\/binance\/archive\/data\/.*BTC.*\.zip$/,
    'checksum file': /^bronze\/.*\.CHECKSUM$/,
    'former revision': /\.revisions\//,
    'quarantined object': /^quarantine\/objects\/.*\.zip$/,
    'answer of an exchange': /exchange-info\//,
    'raw object of a program': /^bronze\/raw\/.*(?<!\.metadata\.json)$/,
    'description of a raw object': /^bronze\/raw\/.*\.metadata\.json$/,
    'silver data file': /^silver\/binance_spot_klines_1m\/data\/.*2024-02/,
    'gold data file': /^gold\/binance_spot_bars_1h\/data\//,
    'data file of gold.universe': /^gold\/universe\/data\//,
    'data file of bronze.objects': /^bronze\/objects\/data\//,
    'data file of a table of the user': /^gold\/own\/data\//,
    manifest: /^silver\/binance_spot_klines_1m\/.*-m\.avro$/,
    'manifest list': /^silver\/binance_spot_klines_1m\/.*\/snap-.*\.avro$/,
    'table metadata': /^gold\/own\/metadata\/v1\.metadata\.json$/,
    'former table metadata': /^silver\/binance_spot_klines_1m\/metadata\/v1\.metadata\.json$/,
    'version hint': /^silver\/binance_spot_klines_1m\/metadata\/version-hint\.text$/,
    'table card': /^silver\/binance_spot_klines_1m\/_metadata\.json$/,
  }
  // Later names belong to the present state more often than earlier ones.
  return new Map(Object.entries(patterns).map(([kind, pattern]) => [kind, names.findLast((name) => pattern.test(name)) ?? fail(kind)]))
}

function fail(kind: string): never {
  throw new Error(`the lake does not have a file of the kind ${kind}`)
}

const TABLES = ['silver.binance_spot_klines_1m', 'gold.binance_spot_bars_1h', 'gold.universe', 'bronze.objects', 'gold.own']

/** Damages one file of a whole lake, looks for it with every command, and repairs it with as little as suffices. */
export async function damageOne(made: DamagedLake, kind: string, hurt: Hurt): Promise<Ending> {
  const { folder, lakehouse, state } = made
  await damage(made, kind, hurt)
  const looks: Readonly<Record<string, () => Promise<boolean>>> = {
    'tables check --deep': () => lakehouse().withTables(false, async (tables) => isError(await tables.check(undefined, { deep: true }))),
    'tables check': () => lakehouse().withTables(false, async (tables) => isError(await tables.check(undefined))),
    status: async () => isError((await lakehouse().status()).findings),
    query: async () => {
      for (const table of TABLES) await lakehouse().show(`SELECT bit_xor(hash(t::VARCHAR)) FROM ${table} t`)
      return false
    },
  }
  const noticedBy: string[] = []
  for (const [name, look] of Object.entries(looks)) if (await look().catch(isTyped)) noticedBy.push(name)
  let repairedBy = 'nothing: the file is not needed'
  for (const from of [undefined, 'backup', 'copy']) {
    await damage(made, kind, hurt)
    const repair = { from: from === undefined ? undefined : join(folder, from), dryRun: false, onProgress: () => {}, onNotice: () => {} }
    const { items } = await lakehouse().repair(repair)
    if (items.length === 0) break
    repairedBy = 'nothing: the file is lost'
    if (!items.every(({ outcome }) => outcome === 'repaired')) continue
    repairedBy = from === undefined ? `\`lake repair\` (${items[0]?.source ?? 'always the same'})` : `\`lake repair --from\` a ${from}`
    break
  }
  const after = await liveState(join(folder, 'lake')).catch(() => ({}))
  return { kind, hurt, noticedBy, repairedBy, isWhole: JSON.stringify(after) === JSON.stringify(state) }
}

function isError(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== 'info')
}

/** Damage is noticed by a typed error, never by a defect of the program. */
function isTyped(error: unknown): boolean {
  if (asLakehouseError(error).code === 'INTERNAL') throw error
  return true
}

/** Makes the lake whole, and damages one file. */
async function damage({ folder, files }: DamagedLake, kind: string, hurt: Hurt): Promise<void> {
  const lake = join(folder, 'lake')
  await rm(lake, { recursive: true })
  await cp(join(folder, 'whole'), lake, { recursive: true, preserveTimestamps: true })
  const path = join(lake, files.get(kind) ?? fail(kind))
  const bytes = await readFile(path)
  const changed = Buffer.from(bytes)
  changed[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1
  if (hurt === 'absence') await rm(path)
  else await writeFile(path, hurt === 'cut tail' ? bytes.subarray(0, bytes.length / 2) : changed)
}

/** Damage is found and repaired, and every live data file is as before; only former metadata may be gone without a word, because nothing needs it. */
export function isGood({ noticedBy, repairedBy, isWhole }: Ending): boolean {
  const isNotNeeded = repairedBy === 'nothing: the file is not needed'
  return isWhole && (isNotNeeded ? noticedBy.length === 0 : noticedBy.includes('tables check --deep') && !repairedBy.startsWith('nothing'))
}
