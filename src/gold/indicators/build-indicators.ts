import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { DATASETS, TRADED_BARS } from '../../datasets/registry.ts'
import { update } from '../../lake/iceberg/commit.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { dataFileKey, fileNameOf } from '../../lake/iceberg/partition-folder.ts'
import { byPeriod, fieldsOf, partitionField, type TableShape } from '../../lake/iceberg/schema.ts'
import { hintKey, keyOf, liveFiles, loadTable, metadataKey, required, snapshotOf, type Table, urlOf } from '../../lake/iceberg/table.ts'
import type { PeriodTransform } from '../../lake/iceberg/transform.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { CommitQueue, filesByPartition } from '../../lake/tables/commit-queue.ts'
import { writeDataFile } from '../../lake/tables/data-file.ts'
import { lostFiles, putBack } from '../../lake/tables/lost-files.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { unlessUnreadable } from '../../lake/tables/unreadable.ts'
import { createTable, deletePartitions, writeRows } from '../../lake/tables/write-rows.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { EXCHANGE_IDS } from '../../sources/registry.ts'
import type { GoldOutcome } from '../bars/build-bars.ts'
import { computeIndicators, inputRows, type Memories } from './compute-indicators.ts'
import { type IndicatorSpec, parseIndicators } from './indicator-spec.ts'

/** Increase this number when the same bars would give other values. */
const INDICATORS_VERSION = 3

/** The table property that holds the definition of the indicators. */
const PROPERTY = 'lakehouse.indicators'

/** The value of the property while the table is being removed. */
const DROPPED = 'dropped'

const definition = z.object({ source: z.string(), spec: z.string(), benchmark: z.string() })

/** A saved table of indicators: the source of the bars, the indicators, and the benchmark symbol. */
export type IndicatorTable = { readonly name: string } & z.infer<typeof definition>

const MEMORY = tableKey('gold', 'indicator_memory')

/** The memory of the kernels at the end of each partition, from which the next partition continues. */
const MEMORY_SHAPE: TableShape = {
  fields: fieldsOf([
    { name: 'table_name', type: 'string', doc: 'table of indicators' },
    { name: 'period', type: 'long', doc: 'partition' },
    { name: 'fingerprint', type: 'string', doc: 'all that led to it' },
    { name: 'symbol', type: 'string', doc: 'symbol' },
    { name: 'memory', type: 'string', doc: 'doubles, little endian, base64' },
  ]),
  partition: [partitionField('table_name', 'identity', 1000), partitionField('period', 'identity', 1001)],
  sort: ['symbol'],
}

/** The maximum number of attempts. A table is planned again when another run changed a partition in the meantime. */
const ROUNDS = 8

/** The saved tables of indicators of a lake. */
export async function indicatorTables(lake: Lake): Promise<IndicatorTable[]> {
  const found: IndicatorTable[] = []
  for (const name of await lake.tables('gold')) {
    // A table that cannot be read is reported where tables are read, and must not stop the others.
    const table = await unlessUnreadable(() => lake.findTable('gold', name))
    const text = table?.metadata.properties?.[PROPERTY]
    if (text !== undefined && text !== DROPPED) found.push({ name, ...definition.parse(JSON.parse(text)) })
  }
  return found
}

/** Creates a table of indicators, which ingestion then keeps up to date. Throws TABLE_NOT_FOUND, INDICATOR_INVALID, and USAGE when another table has the name. */
export async function defineIndicators(lake: Lake, { name, ...of }: IndicatorTable): Promise<void> {
  const source = await sourceOf(lake, of.source)
  const specs = parseIndicators(of.spec)
  inputRows('', [...source.shape.fields.map((field) => field.name), ...(of.benchmark === '' ? [] : ['benchmark'])], specs)
  const root = tableKey('gold', checkName(name))
  const live = await loadTable(lake.store, root)
  const text = JSON.stringify(of)
  if (live !== undefined && live.metadata.properties?.[PROPERTY] !== text)
    throw new LakehouseError(
      'USAGE',
      `gold.${name} already exists with another definition: choose another name, or run crypto-lakehouse indicators drop ${name}`,
      {
        details: { table: `gold.${name}` },
      },
    )
  await createTable(lake.store, root, shapeOf(specs, periodOf(source)), lake.commits, { [PROPERTY]: text })
}

/**
 * Removes a table of indicators from the lake, with its history and its kernel memory, and anything that a killed run has left of it.
 * Returns the number of removed objects. Throws TABLE_NOT_FOUND when the table does not exist, USAGE when it is not a table of indicators.
 */
export async function dropIndicators(lake: Lake, name: string): Promise<number> {
  const { store, commits } = lake
  const root = tableKey('gold', checkName(name))
  const table = await update(store, root, commits, async (current) => {
    if (current === undefined || current.metadata.properties[PROPERTY] === DROPPED) return undefined
    if (current.metadata.properties[PROPERTY] === undefined)
      throw new LakehouseError(
        'USAGE',
        `gold.${name} is not a table of indicators and was not dropped: name a table that indicators compute --save has made`,
        { details: { table: `gold.${name}` } },
      )
    // From now on, no run brings the table up to date.
    return { ...current.metadata, properties: { ...current.metadata.properties, [PROPERTY]: DROPPED } }
  })
  if ((await loadTable(store, MEMORY)) !== undefined) {
    await deletePartitions(lake, MEMORY, ({ partition }) => partition[0] === `gold.${name}`)
    await lake.publish(MEMORY)
  }
  const newest = table === undefined ? [] : [metadataKey(root, table.version)]
  const keys: string[] = []
  for await (const { key } of store.list(`${root}/`)) if (!newest.includes(key)) keys.push(key)
  if (keys.length + newest.length === 0)
    throw new LakehouseError('TABLE_NOT_FOUND', `the lake has no table gold.${name}: run crypto-lakehouse tables list to list the tables`, {
      details: { table: `gold.${name}` },
    })
  // Delete older metadata first: without its newest metadata the table no longer exists, and an older version must not become the current one.
  const isOlder = (key: string) => key.endsWith('.metadata.json') || key === hintKey(root)
  for (const key of [...keys.filter(isOlder), ...newest, ...keys.filter((one) => !isOlder(one))]) await store.delete(key)
  return keys.length + newest.length
}

/** Whether a name belongs to another gold table, or could belong to a bar table of an exchange. */
function isTaken(name: string): boolean {
  return name === 'universe' || name === 'indicator_memory' || EXCHANGE_IDS.some((exchange) => name.startsWith(`${exchange}_`))
}

/** Throws USAGE when the name is not valid for a table of indicators. */
function checkName(name: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(name) && !isTaken(name)) return name
  throw new LakehouseError(
    'USAGE',
    `"${name}" is not a valid name for a table of indicators: use lower-case letters, digits and _, start with a letter, and do not use the name of another gold table or of an exchange`,
    {
      details: { name },
    },
  )
}

/**
 * Brings a table of indicators up to date with its bars. Computes a partition when its bars or those of an earlier partition have changed.
 * Continues from the kernel memory at the end of the partition before.
 */
export async function buildIndicators(lake: Lake, of: IndicatorTable): Promise<GoldOutcome> {
  for (let round = 1; ; round++) {
    const outcome = await new IndicatorBuild(lake, of, await sourceOf(lake, of.source)).run()
    if (outcome !== 'conflict') {
      if (outcome.partitionsWritten > 0) await lake.publish(MEMORY)
      return outcome
    }
    if (round === ROUNDS)
      throw new LakehouseError(
        'COMMIT_CONFLICT',
        `other runs changed gold.${of.name} ${ROUNDS} times while this run built it: run again when they have ended`,
        {
          details: { table: `gold.${of.name}` },
        },
      )
  }
}

async function sourceOf(lake: Lake, name: string): Promise<Table> {
  const { store } = lake
  const root = name.replace('.', '/')
  const table = required(await loadTable(store, root), root)
  if (!['open_time', 'close'].every((column) => table.shape.fields.some((field) => field.name === column)))
    throw new LakehouseError(
      'INDICATOR_INVALID',
      `${name} is not a table of bars, because it lacks open_time or close: name a table of klines or bars`,
      {
        details: { table: name },
      },
    )
  return table
}

function periodOf(source: Table): PeriodTransform {
  return (source.shape.partition[0]?.transform ?? 'month') as PeriodTransform
}

function shapeOf(specs: readonly IndicatorSpec[], period: PeriodTransform): TableShape {
  const columns = specs.flatMap(({ indicator, columns: names }) =>
    names.map((name) => ({ name, type: 'double' as const, doc: indicator.name })),
  )
  return {
    fields: fieldsOf([
      { name: 'symbol', type: 'string', doc: 'symbol as the exchange writes it' },
      { name: 'open_time', type: 'instant', doc: 'opening of the bar' },
      ...columns,
    ]),
    partition: byPeriod('open_time', period),
    sort: ['symbol', 'open_time'],
  }
}

class IndicatorBuild {
  readonly #lake: Lake
  readonly #of: IndicatorTable
  readonly #source: Table
  readonly #specs: readonly IndicatorSpec[]
  readonly #shape: TableShape
  #lost: ReadonlySet<string> = new Set()
  /** The kernel memory at the end of the partition before; undefined while it is not known. */
  #memories: Memories | undefined = new Map()

  constructor(lake: Lake, of: IndicatorTable, source: Table) {
    this.#lake = lake
    this.#of = of
    this.#source = source
    this.#specs = parseIndicators(of.spec)
    this.#shape = shapeOf(this.#specs, periodOf(source))
  }

  async run(): Promise<GoldOutcome | 'conflict'> {
    const { store, commits, run } = this.#lake
    const root = tableKey('gold', this.#of.name)
    const live = await filesByPartition(await loadTable(store, root))
    this.#lost = await lostFiles(store, root, [...live.values()].flat())
    const source = new Map<number, DataFile[]>()
    for await (const file of liveFiles(this.#source, snapshotOf(this.#source, undefined))) {
      const period = Number(file.partition[0])
      source.set(period, [...(source.get(period) ?? []), file])
    }
    const queue = new CommitQueue({ store, root, shape: this.#shape, deps: commits, run })
    const counts = { rowsWritten: 0, partitionsWritten: 0, partitionsUnchanged: 0 }
    const periods = [...new Set([...source.keys(), ...[...live.keys()].filter((key) => key !== undefined)])].sort((a, b) => a - b)
    const done: { period: number; fingerprint: string; files: readonly DataFile[] }[] = []
    for (const period of periods) {
      this.#lake.signal.throwIfAborted()
      const files = source.get(period) ?? []
      const fingerprint = this.#fingerprint(period, files, done.at(-1)?.fingerprint ?? '')
      const name = `${fingerprint}.parquet`
      const path = urlOf(store, dataFileKey(root, this.#shape.partition, [period], name))
      const there = live.get(period) ?? []
      const seen = new Set(there.map((file) => file.path))
      if (files.length > 0 && there.length === 1 && there.every(({ path: held }) => fileNameOf(held) === name && !this.#lost.has(held))) {
        counts.partitionsUnchanged++
        this.#memories = undefined
      } else {
        const rows = files.length === 0 ? 0 : await this.#build(period, files, path, fingerprint, done, queue, there)
        if (files.length === 0 && (await queue.submit({ partition: period, seen, remove: seen, add: [] })) === 'conflict') return 'conflict'
        if (rows === 'conflict') return 'conflict'
        counts.rowsWritten += rows
        counts.partitionsWritten++
      }
      if (files.length > 0) done.push({ period, fingerprint, files })
    }
    return { table: this.#of.name, ...counts }
  }

  #fingerprint(period: number, files: readonly DataFile[], before: string): string {
    const names = files.map(({ path }) => fileNameOf(path)).sort()
    const { source, spec, benchmark } = this.#of
    return createHash('sha256')
      .update(JSON.stringify(['indicators', INDICATORS_VERSION, source, spec, benchmark, period, names, before]))
      .digest('hex')
      .slice(0, 40)
  }

  async #build(
    period: number,
    files: readonly DataFile[],
    path: string,
    fingerprint: string,
    before: readonly { period: number; fingerprint: string; files: readonly DataFile[] }[],
    queue: CommitQueue,
    live: readonly DataFile[],
  ): Promise<number | 'conflict'> {
    const { store, session } = this.#lake
    const memories = this.#memories ?? (await this.#recall(before))
    await using values = await this.#compute(files, memories)
    this.#memories = memories
    await this.#remember(period, fingerprint, memories)
    const temporary = await store.files.draft(keyOf(store, path))
    try {
      const columns = this.#shape.fields.map(({ name }) => quoteName(name)).join(', ')
      const written = await writeDataFile(
        session,
        `SELECT ${columns} FROM ${values} ORDER BY symbol, open_time`,
        this.#shape.fields,
        temporary,
        DATASETS[TRADED_BARS].parquet,
      )
      const file = { ...written, path, specId: 0, partition: [period] }
      if (await putBack(store, this.#lost, live, file, temporary)) return written.rows
      const seen = new Set(live.map((one) => one.path))
      const outcome = await queue.submit({ partition: period, seen, remove: seen, add: [{ temporary, file }] })
      return outcome === 'conflict' ? outcome : written.rows
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** Computes the indicators of a partition, and moves the memories on to its end. */
  async #compute(files: readonly DataFile[], memories: Memories): Promise<Relation<string>> {
    const { session } = this.#lake
    const bars = await scanSql(session, this.#source, this.#source.shape, files)
    const { benchmark } = this.#of
    const names = this.#source.shape.fields.map((field) => field.name)
    const joined =
      benchmark === ''
        ? bars
        : `SELECT b.*, o.close AS benchmark FROM (${bars}) b LEFT JOIN (SELECT open_time, close FROM (${bars}) WHERE symbol = ${quote(benchmark)}) o ON o.open_time = b.open_time`
    const rows = inputRows(joined, benchmark === '' ? names : [...names, 'benchmark'], this.#specs)
    return await computeIndicators(session, rows, this.#specs, memories)
  }

  /** The kernel memory at the end of the last partition in `before`. Computes it from the first partition when it is lost. */
  async #recall(before: readonly { period: number; fingerprint: string; files: readonly DataFile[] }[]): Promise<Memories> {
    const { store, session } = this.#lake
    const last = before.at(-1)
    if (last === undefined) return new Map()
    const table = await loadTable(store, MEMORY)
    const files: DataFile[] = []
    if (table !== undefined)
      for await (const file of liveFiles(table, snapshotOf(table, undefined)))
        if (file.partition[0] === `gold.${this.#of.name}` && Number(file.partition[1]) === last.period) files.push(file)
    const rows =
      table === undefined || files.length === 0
        ? []
        : await session.rows(
            `SELECT symbol, memory FROM (${await scanSql(session, table, table.shape, files)}) WHERE fingerprint = ${quote(last.fingerprint)}`,
          )
    const memories: Memories = new Map(rows.map((row) => [String(row['symbol']), decode(String(row['memory']))]))
    if (rows.length === 0) for (const { files: earlier } of before) await (await this.#compute(earlier, memories))[Symbol.asyncDispose]()
    return memories
  }

  async #remember(period: number, fingerprint: string, memories: Memories): Promise<void> {
    const { session } = this.#lake
    const table = quote(`gold.${this.#of.name}`)
    await using kept = await Relation.empty(session, { symbol: 'VARCHAR', memory: 'VARCHAR' })
    const values = [...memories].map(([symbol, memory]) => `(${quote(symbol)}, ${quote(encode(memory))})`)
    for (let at = 0; at < values.length; at += 200)
      await kept.add(`SELECT * FROM (VALUES ${values.slice(at, at + 200).join(', ')}) AS v(symbol, memory)`)
    const query = `SELECT ${table} AS table_name, ${period}::BIGINT AS period, ${quote(fingerprint)} AS fingerprint, symbol, memory FROM ${kept} ORDER BY symbol`
    await writeRows(this.#lake, MEMORY, query, { mode: 'overwrite', shape: MEMORY_SHAPE })
  }
}

function encode(memory: Float64Array): string {
  return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).toString('base64')
}

function decode(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64')
  const memory = new Float64Array(bytes.length / 8)
  new Uint8Array(memory.buffer).set(bytes)
  return memory
}
