import { LakehouseError } from '../../core/errors.ts'
import { INTERVAL_IDS, INTERVALS } from '../../core/interval.ts'
import { parseInstant, type TimeRange, US_PER_DAY, US_PER_SECOND, utc } from '../../core/time.ts'
import { type DatasetId, FUNDING, TRADED_BARS } from '../../datasets/registry.ts'
import { AGGREGATIONS } from '../../gold/aggregations/registry.ts'
import { parseAmountRule, parseTimeRule } from '../../gold/bars/bar-rule.ts'
import { largestAmounts } from '../../gold/bars/bars.ts'
import { eventBars } from '../../gold/bars/event-bars.ts'
import { resampleSql } from '../../gold/bars/resample.ts'
import { segmentsSql } from '../../gold/bars/segments.ts'
import { tradedRows } from '../../gold/bars/traded-rows.ts'
import { computeIndicators, inputRows } from '../../gold/indicators/compute-indicators.ts'
import { parseIndicators } from '../../gold/indicators/indicator-spec.ts'
import type { DataFile } from '../../lake/iceberg/manifest.ts'
import { shownId } from '../../lake/iceberg/metadata.ts'
import { type Predicate, planScan } from '../../lake/iceberg/scan.ts'
import type { TableShape } from '../../lake/iceberg/schema.ts'
import { type AsOf, liveFiles, loadTable, required, shapeAt, snapshotOf } from '../../lake/iceberg/table.ts'
import { tableKey } from '../../lake/layout.ts'
import { listTables } from '../../lake/tables/list-tables.ts'
import { scanSql } from '../../lake/tables/scan-sql.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import { DEFAULT_SOURCE, findSource } from '../../sources/registry.ts'
import {
  columnNames,
  exampleTable,
  isBars,
  isCountedInBase,
  isOfSameMarket,
  seriesOf,
  silverTableName,
  tradedNames,
} from '../../sources/series.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type BoundTable, boundTable } from '../bound-table.ts'

/** What a table function works with. */
type Context = {
  readonly session: DuckDBSession
  readonly store: ObjectStore
  readonly asOf: AsOf | undefined
  /** Told of each table that is read. */
  readonly onRead?: (table: BoundTable) => void
}

type GoldFunction = {
  /** Its arguments, all of them texts; those with a value may be left out. */
  readonly parameters: Readonly<Record<string, string | undefined>>
  readonly example: string
  /** SQL of what it gives, or the rows themselves, which stay as long as the session. */
  make(context: Context, given: Readonly<Record<string, string>>): Promise<string | Relation<string>>
}

const EXAMPLE_BARS = exampleTable(TRADED_BARS, '1m')

/** Table functions of SQL whose arguments are constants: what they give is made before the statement runs. */
const FUNCTIONS: Readonly<Record<string, GoldFunction>> = {
  indicators: {
    parameters: { source: undefined, symbol: undefined, spec: undefined, benchmark: '' },
    example: `indicators('${EXAMPLE_BARS}', 'BTCUSDT', 'rsi(14), macd(12, 26, 9)' [, 'ETHUSDT' as the benchmark])`,
    make: makeIndicators,
  },
  resample: {
    parameters: { source: undefined, symbols: undefined, every: undefined, from: '', to: '', start_offset: '0m', zone: '' },
    example: `resample('${EXAMPLE_BARS}', 'BTC*', '7m' [, from, to, start_offset := '1m', zone := 'Europe/Berlin'])`,
    make: makeTimeBars,
  },
  event_bars: {
    parameters: { source: undefined, symbols: undefined, size: undefined, from: '', to: '' },
    example: `event_bars('${exampleTable('trades')}', 'BTCUSDT', 'volume:100' [, from, to])`,
    make: makeEventBars,
  },
  aggregate: {
    parameters: { id: undefined, market: undefined, symbols: '*', from: '', to: '', options: '', exchange: DEFAULT_SOURCE.id },
    example: "aggregate('order_flow', 'spot', 'BTC*' [, from, to, options := 'minutes=60'])",
    make: makeAggregate,
  },
  segments: {
    parameters: { source: undefined, symbols: undefined },
    example: `segments('${EXAMPLE_BARS}', 'BTC*')`,
    make: makeSegments,
  },
}

/** One call of such a function. */
export type GoldCall = { readonly name: string; readonly given: Readonly<Record<string, string>> }

export function isGoldFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name)
}

/** A call with the arguments that a statement gives: by place, or by name. Throws SQL_INVALID for others than it has, and for what is no constant text. */
export function toCall(name: string, values: readonly { readonly name: string; readonly value: unknown }[]): GoldCall {
  const { parameters = {}, example } = FUNCTIONS[name] ?? {}
  const names = Object.keys(parameters)
  const given: Record<string, string> = {}
  for (const [place, { name: key, value }] of values.entries()) {
    const parameter = key === '' ? names[place] : key
    if (parameter === undefined || !names.includes(parameter) || typeof value !== 'string') throw invalid(name, example)
    given[parameter] = value
  }
  for (const [parameter, usual] of Object.entries(parameters)) {
    if (given[parameter] === undefined && usual === undefined) throw invalid(name, example)
    given[parameter] ??= usual ?? ''
  }
  return { name, given }
}

function invalid(name: string, example: string | undefined): LakehouseError {
  return new LakehouseError('SQL_INVALID', `${name} takes constant texts: ${example ?? ''}`, { details: { function: name } })
}

/** Makes what the calls give, and the functions that hand it out. Throws TABLE_NOT_FOUND, INDICATOR_INVALID, USAGE for arguments that are none. */
export async function bindGoldFunctions(context: Context, calls: readonly GoldCall[]): Promise<void> {
  const made = new Set<string>()
  for (const { name, given } of calls) {
    const key = Object.keys(FUNCTIONS[name]?.parameters ?? {}).map((parameter) => quote(given[parameter] ?? ''))
    const [row] = await context.session.rows(`SELECT ${tableOf(name, key)} AS name`)
    const target = String(row?.['name'])
    if (made.has(target)) continue
    made.add(target)
    const rows = await FUNCTIONS[name]?.make(context, given)
    const kind = typeof rows === 'string' ? 'TABLE' : 'VIEW'
    await context.session.run(
      `CREATE OR REPLACE TEMP ${kind} ${quoteName(target)} AS FROM (${typeof rows === 'string' ? rows : `FROM ${rows}`})`,
    )
  }
  for (const name of new Set(calls.map((call) => call.name))) {
    const parameters = Object.entries(FUNCTIONS[name]?.parameters ?? {})
    const declared = parameters.map(([parameter, usual]) =>
      usual === undefined ? quoteName(parameter) : `${quoteName(parameter)} := ${quote(usual)}`,
    )
    const key = parameters.map(([parameter]) => quoteName(parameter))
    await context.session.run(
      `CREATE OR REPLACE TEMP MACRO ${name}(${declared.join(', ')}) AS TABLE SELECT * FROM query_table(${tableOf(name, key)})`,
    )
  }
}

/** SQL of the name of the table that holds what a call gives. */
function tableOf(name: string, key: readonly string[]): string {
  return `${quote(`${name} `)} || md5(${key.join(' || chr(0) || ')})`
}

type Source = { readonly rows: string; readonly files: readonly DataFile[]; readonly shape: TableShape; readonly snapshot: string }

/** A table's rows of some symbols (names or patterns with * and ?, with commas between them) within a range of time, as SQL, and the files that they lie in. */
export async function sourceOf(
  { session, store, asOf, onRead }: Context,
  name: string,
  symbols: string,
  range?: TimeRange,
): Promise<Source> {
  const root = name.replace('.', '/')
  const table = required(await loadTable(store, root), root)
  const snapshot = snapshotOf(table, asOf)
  const shape = asOf === undefined ? table.shape : shapeAt(table, snapshot)
  const time = shape.fields.find((field) => field.type === 'timestamptz')?.name ?? 'open_time'
  const names = symbols.split(',').map((one) => one.trim())
  const isPlain = !/[*?[]/.test(symbols)
  const predicates: Predicate[] = isPlain ? [{ column: 'symbol', op: 'in', values: names }] : []
  if (range !== undefined) predicates.push({ column: time, op: '>=', value: range.start }, { column: time, op: '<', value: range.end })
  const plan = await planScan(table, snapshot, predicates, shape)
  const { files } = plan
  onRead?.(boundTable(name, snapshot, plan))
  const chosen = isPlain
    ? `symbol IN (${names.map(quote).join(', ')})`
    : `(${names.map((one) => `symbol GLOB ${quote(one)}`).join(' OR ')})`
  const within =
    range === undefined
      ? ''
      : ` AND ${quoteName(time)} >= make_timestamptz(${range.start}) AND ${quoteName(time)} < make_timestamptz(${range.end})`
  const planned = new Set(files.map(({ path }) => path))
  // A plan keeps the bounds of its conditions' columns alone: here those of every column are asked for.
  const whole: DataFile[] = []
  for await (const file of liveFiles(table, snapshot)) if (planned.has(file.path)) whole.push(file)
  return {
    rows: `SELECT * FROM (${await scanSql(session, table, shape, files)}) WHERE ${chosen}${within}`,
    files: whole,
    shape,
    snapshot: snapshot === undefined ? '' : String(shownId(snapshot['snapshot-id'])),
  }
}

function rangeOf(from: string, to: string): TimeRange | undefined {
  if (from === '' && to === '') return undefined
  const [start, end] = [from === '' ? utc(2009) : parseInstant(from), to === '' ? utc(2100) : parseInstant(to)]
  if (start === undefined || end === undefined || start >= end)
    throw new LakehouseError('USAGE', `"${from}" to "${to}" is no range of time: YYYY-MM-DD or ISO 8601`)
  return { start, end }
}

async function makeIndicators(
  context: Context,
  { source = '', symbol = '', spec = '', benchmark = '' }: Readonly<Record<string, string>>,
): Promise<Relation<string>> {
  const { session } = context
  const specs = parseIndicators(spec)
  const own = await sourceOf(context, source, symbol)
  const columns = own.shape.fields.map((field) => field.name)
  if (!columns.includes('open_time') || !columns.includes('close'))
    throw new LakehouseError('INDICATOR_INVALID', `${source} has no bars: indicators are computed over open_time and prices`, {
      details: { table: source },
    })
  const bars =
    benchmark === ''
      ? own.rows
      : `SELECT b.*, o.close AS benchmark FROM (${own.rows}) b LEFT JOIN (${(await sourceOf(context, source, benchmark)).rows}) o ON o.open_time = b.open_time`
  const all = benchmark === '' ? columns : [...columns, 'benchmark']
  await using held = await Relation.of(session, all, bars)
  await using values = await computeIndicators(session, inputRows(`FROM ${held}`, all, specs), specs)
  const given = specs.flatMap((one) => one.columns).map((column) => `v.${quoteName(column)}`)
  return await Relation.of(
    session,
    [...all, ...specs.flatMap((one) => one.columns)],
    `SELECT b.*, ${given.join(', ')} FROM ${held} b JOIN ${values} v ON v.symbol = b.symbol AND v.open_time = b.open_time ORDER BY b.open_time`,
  )
}

async function makeTimeBars(
  context: Context,
  { source = '', symbols = '', every = '', from = '', to = '', start_offset: offset = '', zone = '' }: Readonly<Record<string, string>>,
): Promise<Relation<string>> {
  const rule = parseTimeRule(every, offset, zone === '' ? undefined : zone)
  const traded = tradedRows(source)
  const { rows, files, shape } = await sourceOf(context, source, symbols, rangeOf(from, to))
  const isTrades = traded.us === undefined && traded.interval === 'trades'
  if (!isTrades) checkCut(source, traded.us, 'us' in rule ? [rule.us, rule.offsetUs] : [US_PER_DAY, rule.offsetUs])
  const { amount, value } = tradedNames(traded.market)
  const price = isCountedInBase(traded.market) ? `, CASE WHEN ${amount} > 0 THEN ${value} / ${amount} END AS vwap` : ''
  const fine = {
    rows: traded.select(rows),
    us: traded.us ?? 1,
    name: traded.interval,
    largest: isTrades ? new Map<string, number>() : largestAmounts(files, shape.fields),
  }
  const bars = resampleSql(traded.market, fine, rule)
  const held = isTrades ? ' EXCLUDE (bars_expected, bars_held, is_complete)' : ''
  const made = await Relation.from(context.session, `SELECT *${held}${price} FROM (${bars}) ORDER BY symbol, open_time`)
  if (isTrades || 'us' in rule || rule.zone === 'UTC') return made
  const [torn] = await context.session.rows(
    `SELECT any_value(open_time)::VARCHAR AS at_time FROM ${made} WHERE epoch_us(open_time) % ${traded.us ?? 1} <> 0`,
  )
  if (torn?.['at_time'] !== null)
    throw new LakehouseError(
      'USAGE',
      `days of ${rule.zone} begin within bars of ${source} (${String(torn?.['at_time'])}): take finer ones`,
      {
        details: { source, zone },
      },
    )
  return made
}

/** Throws USAGE where lengths (µs) are no whole numbers of the source's bars: what is made of them would hold what lies beyond it. */
function checkCut(source: string, fineUs: number | undefined, lengths: readonly number[]): void {
  if (fineUs === undefined || lengths.some((us) => us % fineUs !== 0))
    throw new LakehouseError('USAGE', `bars of ${source} cannot be put together to these: lengths and offsets are whole numbers of them`, {
      details: { source },
    })
}

async function makeEventBars(
  context: Context,
  { source = '', symbols = '', size = '', from = '', to = '' }: Readonly<Record<string, string>>,
): Promise<Relation<string>> {
  const { rows } = await sourceOf(context, source, symbols, rangeOf(from, to))
  const [traded, rule] = [tradedRows(source), parseAmountRule(size)]
  if (rule.by === 'quote' && !traded.hasWorth)
    throw new LakehouseError('USAGE', `rows of ${source} do not say what they are worth: count or volume`, { details: { source } })
  return await eventBars(context.session, traded, rows, rule)
}

async function makeSegments(context: Context, { source = '', symbols = '' }: Readonly<Record<string, string>>): Promise<string> {
  const traded = tradedRows(source)
  const rates = { ...traded.market, dataset: FUNDING, interval: undefined }
  const name = silverTableName(rates)
  const hasRates = (await loadTable(context.store, tableKey('silver', name))) !== undefined
  const { event_time: time, rate } = columnNames(rates, 'event_time', 'rate')
  const funding = hasRates ? { rows: (await sourceOf(context, `silver.${name}`, symbols)).rows, time, rate } : undefined
  return segmentsSql(traded, (await sourceOf(context, source, symbols)).rows, funding)
}

async function makeAggregate(
  context: Context,
  { id = '', market = '', symbols = '', from = '', to = '', options = '', exchange = '' }: Readonly<Record<string, string>>,
): Promise<string> {
  const aggregation = AGGREGATIONS.find((one) => one.id === id)
  const { markets } = findSource(exchange)
  if (aggregation === undefined || !Object.hasOwn(markets, market))
    throw new LakehouseError(
      'USAGE',
      `aggregate takes one of ${AGGREGATIONS.map((one) => one.id).join(', ')}, and a market: ${Object.keys(markets).join(', ')}`,
      {
        details: { id, market },
      },
    )
  const { interval, ...numbers } = Object.fromEntries(
    options
      .split(',')
      .filter((part) => part !== '')
      .map((part) => part.split('=').map((text) => text.trim())),
  )
  const given: Record<string, number> = { ...aggregation.options }
  for (const [name, value] of Object.entries(numbers)) {
    if (given[name] === undefined || !(Number.isSafeInteger(Number(value)) && Number(value) > 0))
      throw new LakehouseError(
        'USAGE',
        `${id} has the options interval${Object.keys(given)
          .map((one) => `, ${one}`)
          .join('')}, whole numbers above zero: not ${name}=${value}`,
        { details: { id } },
      )
    given[name] = Number(value)
  }
  const there = (await listTables(context.store, 'silver')).flatMap((name) => seriesOf(name) ?? [])
  const lacking = (dataset: string) =>
    new LakehouseError(
      'TABLE_NOT_FOUND',
      `${id} needs ${dataset} of ${market}${interval === undefined ? '' : ` of ${interval}`}, of which the lake has none`,
      { details: { id, dataset } },
    )
  const of = { exchange, market }
  const intervalsOf = (dataset: DatasetId) =>
    there.filter((one) => one.dataset === dataset && isOfSameMarket(one, of)).map((one) => one.interval)
  const datasets = Object.values(aggregation.inputs)
  const cut = datasets.filter((dataset) => isBars({ dataset }))
  // Bars of several kinds stand side by side: they must be as long as each other.
  const common = INTERVAL_IDS.find(
    (one) => (interval === undefined || one === interval) && cut.every((dataset) => intervalsOf(dataset).includes(one)),
  )
  if (cut.length > 0 && common === undefined) throw lacking(cut.find((dataset) => intervalsOf(dataset).length === 0) ?? cut.join(', '))
  const minutes = aggregation.minutes ?? given['minutes']
  if (common !== undefined && minutes !== undefined) checkCut(`${id} of ${common}`, INTERVALS[common].us, [minutes * 60 * US_PER_SECOND])
  const rows: Record<string, string> = {}
  for (const [name, dataset] of Object.entries(aggregation.inputs)) {
    const series = there.find(
      (one) => one.dataset === dataset && isOfSameMarket(one, of) && (!cut.includes(dataset) || one.interval === common),
    )
    if (series === undefined) throw lacking(dataset)
    rows[name] = (await sourceOf(context, `silver.${silverTableName(series)}`, symbols, rangeOf(from, to))).rows
  }
  return aggregation.sql(rows, given, of)
}
