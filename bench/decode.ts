import { execFile } from 'node:child_process'
import { cp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { prepareArchive, WORKLOADS } from './archive.ts'
import { BENCH_PYTHON } from './python.ts'

const run = promisify(execFile)
const here = import.meta.dirname

export type Measure = { wallMs: number; cpuMs: number; peakRssBytes: number; rows: number; csvBytes: number; outputBytes: number }

export type Contender = {
  readonly name: string
  readonly prepare?: (out: string, bronze: string) => Promise<void>
  readonly command: (archive: string, out: string) => [string, ...string[]]
  /** Whether the contender keeps the existing output and works on it. */
  readonly keeps?: boolean
}

export const peer = (name: string, program: string, ...args: string[]): Contender => ({
  name,
  command: (archive, out) => [BENCH_PYTHON, join(here, 'peers', program), archive, out, ...args],
})

/** Prepares a silver run, which finds the bronze objects in its lake. The table of objects is made again, because tables name their files by absolute paths. */
async function placeBronze(out: string, bronze: string): Promise<void> {
  await cp(bronze, out, { recursive: true })
  await rm(join(out, 'bronze/objects'), { recursive: true })
}

export const ours = (name: string, what: 'bronze' | 'silver' | 'ingest' | 'rules' | 'quality'): Contender => ({
  name,
  ...(what === 'silver' ? { prepare: placeBronze } : {}),
  command: (archive, out) => [process.execPath, join(here, 'ours.ts'), archive, out, what],
})

/** The contenders. Ours is first, and ratios are relative to it. */
const CONTENDERS: readonly Contender[] = [
  ours('ours: bronze → silver, everything on', 'silver'),
  ours('ours: archive → bronze → silver', 'ingest'),
  peer('Polars, unique + sort', 'polars_peer.py', 'unique'),
  peer('Polars, order proved', 'polars_peer.py', 'proved'),
  peer('DuckDB, DISTINCT ON + ORDER BY', 'duckdb_peer.py'),
  peer('pandas', 'pandas_peer.py'),
]

const ROUNDS = 5

/** Decodes the same archives with ours and each peer in several rounds, and prints medians and ratios. */
export async function benchDecode(cache: string): Promise<void> {
  for (const workload of WORKLOADS) {
    const archive = await prepareArchive(cache, workload)
    const bronze = join(cache, `bronze-${workload.name}`)
    await rm(bronze, { recursive: true, force: true })
    await run(process.execPath, [join(here, 'ours.ts'), archive, bronze, 'bronze'])
    const results = new Map<string, Measure[]>(CONTENDERS.map(({ name }) => [name, []]))
    for (let round = 0; round < ROUNDS; round++)
      for (const contender of CONTENDERS)
        results.get(contender.name)?.push(await measureOnce(contender, join(cache, 'out'), archive, bronze))
    printMeasures(workload.name, ROUNDS, results)
  }
}

/** Measures one run in its own process: wall time from outside, CPU time and memory as the process reports them. */
export async function measureOnce(contender: Contender, out: string, archive: string, bronze: string): Promise<Measure> {
  if (contender.keeps !== true) await rm(out, { recursive: true, force: true })
  await contender.prepare?.(out, bronze)
  const [program, ...args] = contender.command(archive, out)
  const started = performance.now()
  const { stdout } = await run(program, args)
  const wallMs = performance.now() - started
  const outputBytes = await parquetBytes(out)
  return { ...(JSON.parse(stdout) as Omit<Measure, 'wallMs' | 'outputBytes'>), wallMs, outputBytes }
}

async function parquetBytes(folder: string): Promise<number> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.parquet') && !name.includes('objects'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Prints medians as a table, with ratios relative to the first contender. */
export function printMeasures(name: string, rounds: number, results: ReadonlyMap<string, readonly Measure[]>): void {
  const of = (measures: readonly Measure[], pick: (measure: Measure) => number) => median(measures.map(pick))
  const [base = []] = [...results.values()]
  const [baseWall, baseCpu] = [of(base, (measure) => measure.wallMs), of(base, (measure) => measure.cpuMs)]
  const csv = of(base, (measure) => measure.csvBytes)
  process.stdout.write(
    `\n${name}: ${(csv / 1e6).toFixed(0)} MB of CSV, ${of(base, (measure) => measure.rows)} rows, medians of ${rounds}\n`,
  )
  process.stdout.write(
    '| | wall ms | MB/s | ours is | CPU ms | MB per CPU s | ours is | peak RSS MB | Parquet MB |\n|---|---|---|---|---|---|---|---|---|\n',
  )
  for (const [contender, measures] of results) {
    const wall = of(measures, (measure) => measure.wallMs)
    const cpu = of(measures, (measure) => measure.cpuMs)
    const cells = [
      wall.toFixed(0),
      (csv / 1e3 / wall).toFixed(0),
      `${(wall / baseWall).toFixed(2)}×`,
      cpu.toFixed(0),
      (csv / 1e3 / cpu).toFixed(0),
      `${(cpu / baseCpu).toFixed(2)}×`,
    ]
    const rest = [of(measures, (measure) => measure.peakRssBytes), of(measures, (measure) => measure.outputBytes)].map((bytes) =>
      (bytes / 1e6).toFixed(0),
    )
    process.stdout.write(`| ${[contender, ...cells, ...rest].join(' | ')} |\n`)
  }
}
