import { LakehouseError } from '../../core/errors.ts'
import type { Role } from '../../datasets/contract.ts'
import { DATASETS, TRADED_BARS } from '../../datasets/registry.ts'
import { type FeedColumn, registerFeed } from '../../platform/duckdb/feed.ts'
import { readDoubles } from '../../platform/duckdb/read-doubles.ts'
import { Relation } from '../../platform/duckdb/relation.ts'
import { type DuckDBSession, quote, quoteName } from '../../platform/duckdb/session.ts'
import { SOURCES } from '../../sources/registry.ts'
import type { InputName, Kernel } from './indicator.ts'
import { type IndicatorSpec, inputsOf } from './indicator-spec.ts'
import { runKernel } from './run-indicator.ts'

/** The memory of the kernels of each symbol, in the order of the kernels. */
export type Memories = Map<string, Float64Array>

/** The maximum number of rows in memory, unless a single symbol has more. */
const ROWS_AT_ONCE = 1 << 20

/** The units of all markets. */
const UNITS = SOURCES.flatMap(({ markets }) => Object.values(markets).map(({ units }) => units))

/** The columns of bars that can serve as an input; the first that the table has is used. The volume is in the base asset: the amount or the value, depending on the market. */
const INPUT_COLUMNS: Readonly<Record<Exclude<InputName, 'time'>, readonly string[]>> = {
  open: columnsOf('open'),
  high: columnsOf('high'),
  low: columnsOf('low'),
  close: columnsOf('close'),
  volume: [...columnsOf('amount', 'base asset'), ...columnsOf('value', 'base asset')],
  quote_volume: columnsOf('value', 'quote asset'),
  benchmark: ['benchmark'],
}

/** The names that traded bars of any market use for the column of a role, if it has the unit. */
function columnsOf(role: Role, unit?: string): string[] {
  const columns = UNITS.flatMap((units) => DATASETS[TRADED_BARS].columns(units))
  return [...new Set(columns.filter((one) => one.roles.includes(role) && (unit ?? one.unit) === one.unit).map(({ name }) => name))]
}

/** SQL of symbol, time (µs) and the inputs of a table's rows, in that order. Throws INDICATOR_INVALID when the table lacks an input. */
export function inputRows(rows: string, columns: readonly string[], specs: readonly IndicatorSpec[]): string {
  const needed = inputsOf(specs).filter((name) => name !== 'time')
  const given = needed.map((name) => {
    const column = INPUT_COLUMNS[name].find((one) => columns.includes(one))
    if (column === undefined) {
      const user = specs.find(({ indicator }) => indicator.inputs.includes(name))?.indicator.id ?? ''
      const what =
        name === 'benchmark'
          ? 'a benchmark: name the symbol to compare with, with --benchmark S'
          : `the column ${name}, which the table lacks: name another table`
      throw new LakehouseError('INDICATOR_INVALID', `${user} needs ${what}`, { details: { indicator: user, input: name } })
    }
    return `${quoteName(column)}::DOUBLE AS ${quoteName(name)}`
  })
  return `SELECT symbol, epoch_us(open_time)::DOUBLE AS time${given.map((sql) => `, ${sql}`).join('')} FROM (${rows})`
}

/**
 * Computes indicators over rows (SQL from `inputRows`). Returns a relation of symbol, open_time and the indicator columns, which are null during warm-up;
 * the caller must dispose of it. Reads one symbol at a time, or several small ones together.
 * With `memories`, the kernels continue from them, and store their memory there at the end.
 */
export async function computeIndicators(
  session: DuckDBSession,
  rows: string,
  specs: readonly IndicatorSpec[],
  memories: Memories = new Map(),
): Promise<Relation<string>> {
  const columns = specs.flatMap((spec) => spec.columns)
  const values: Relation<string> = await Relation.empty(session, {
    symbol: 'VARCHAR',
    open_time: 'TIMESTAMPTZ',
    ...Object.fromEntries(columns.map((name) => [name, 'DOUBLE'])),
  })
  const found = await session.rows(`SELECT symbol, count(*) AS n FROM (${rows}) GROUP BY symbol ORDER BY symbol`)
  const counts = found.map((row) => ({ symbol: String(row['symbol']), rows: Number(row['n']) }))
  for (let from = 0; from < counts.length; ) {
    let to = from + 1
    let total = counts[from]?.rows ?? 0
    while (to < counts.length && total + (counts[to]?.rows ?? 0) <= ROWS_AT_ONCE) total += counts[to++]?.rows ?? 0
    const group = counts.slice(from, to)
    const { inputs, holes } = await read(session, rows, group, total, inputsOf(specs))
    const outputs = compute(group, specs, inputs, holes, total, memories)
    await write(session, values, group, inputs.get('time') as Float64Array, columns, outputs)
    from = to
  }
  return values
}

type Group = readonly { readonly symbol: string; readonly rows: number }[]

async function read(
  session: DuckDBSession,
  rows: string,
  group: Group,
  total: number,
  names: readonly InputName[],
): Promise<{ inputs: Map<InputName, Float64Array>; holes: number }> {
  const inputs = new Map(
    (['time', ...names.filter((name) => name !== 'time')] as InputName[]).map((name) => [name, new Float64Array(total)]),
  )
  const [first, last] = [group[0]?.symbol ?? '', group.at(-1)?.symbol ?? '']
  const result = await session.stream(`SELECT ${[...inputs.keys()].map(quoteName).join(', ')} FROM (${rows})
    WHERE symbol BETWEEN ${quote(first)} AND ${quote(last)} ORDER BY symbol, time`)
  let at = 0
  let holes = 0
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const [index, values] of [...inputs.values()].entries()) holes += readDoubles(chunk, index, values, at)
    at += chunk.rowCount
  }
  return { inputs, holes }
}

/** The output columns of a group, with the rows of its symbols in order. */
function compute(
  group: Group,
  specs: readonly IndicatorSpec[],
  inputs: ReadonlyMap<InputName, Float64Array>,
  holes: number,
  total: number,
  memories: Memories,
): Float64Array[] {
  const outputs = specs.flatMap((spec) => spec.columns.map(() => new Float64Array(total)))
  let from = 0
  for (const { symbol, rows } of group) {
    const to = from + rows
    const kernels = specs.map(({ indicator, parameters }) => indicator.create(parameters))
    recall(kernels, memories.get(symbol))
    let column = 0
    for (const [index, { indicator }] of specs.entries()) {
      const ins = indicator.inputs.map((name) => (inputs.get(name) as Float64Array).subarray(from, to))
      const outs = outputs.slice(column, column + indicator.outputs.length).map((output) => output.subarray(from, to))
      runKernel(kernels[index] as Kernel, ins, outs, rows, { isWhole: holes === 0 })
      column += indicator.outputs.length
    }
    memories.set(symbol, memoryOf(kernels))
    from = to
  }
  return outputs
}

/** The memory of kernels as one array. */
export function memoryOf(kernels: readonly Kernel[]): Float64Array {
  const parts = kernels.flatMap(({ memory }) => memory)
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Restores the memory of kernels. */
export function recall(kernels: readonly Kernel[], memory: Float64Array | undefined): void {
  let at = 0
  for (const part of memory === undefined ? [] : kernels.flatMap((kernel) => kernel.memory)) {
    part.set((memory as Float64Array).subarray(at, at + part.length))
    at += part.length
  }
}

async function write(
  session: DuckDBSession,
  values: Relation<string>,
  group: Group,
  times: Float64Array,
  columns: readonly string[],
  outputs: readonly Float64Array[],
): Promise<void> {
  const feedColumns: FeedColumn[] = [
    { name: 'symbol', type: 'constant' },
    { name: 'open_time', type: 'instant' },
    ...columns.map((name) => ({ name, type: 'double' as const, optional: true as const })),
  ]
  let [index, from, done] = [0, 0, 0]
  const feed = await registerFeed(session, feedColumns, (chunk) => {
    const symbol = group[index]
    if (symbol === undefined) return
    const rows = Math.min(chunk.numbers[1]?.length ?? 0, symbol.rows - done)
    chunk.rows = rows
    chunk.texts[0] = symbol.symbol
    chunk.numbers[1]?.set(times.subarray(from, from + rows))
    for (const [column, output] of outputs.entries()) chunk.numbers[column + 2]?.set(output.subarray(from, from + rows))
    from += rows
    done += rows
    if (done < symbol.rows) return
    index++
    done = 0
  })
  await values.add(feed.sql).finally(() => feed.finish())
}
