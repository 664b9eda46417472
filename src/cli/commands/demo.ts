import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../config/schema.ts'
import { TRADED_BARS } from '../../datasets/registry.ts'
import type { IngestResult } from '../../flows/bulk-ingestion/report.ts'
import { LAYERS } from '../../lake/layout.ts'
import type { Lakehouse } from '../../lakehouse/lakehouse.ts'
import { outcomeOf } from '../../operations/ingest.ts'
import { type Candle, htmlChart, textChart } from '../../pages/candles.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { writeArchive } from '../../simulator/archive.ts'
import { DEMO, DEMO_MONTH, demoArchive } from '../../simulator/demo.ts'
import { serveArchive } from '../../simulator/server.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { ProgressDisplay } from '../progress.ts'
import { ingestResult, summary } from './ingest.ts'

export const demo: Command = {
  summary: 'Run every step, archive to SQL, on one month of two symbols',
  usage: '[--simulated]',
  options: { simulated: { type: 'boolean', help: 'use the simulated archive; do not try the public one' } },
  run,
}

const REACH_MS = 4000
const QUERY = `SELECT symbol, count(*) AS days, min(low) AS lowest, max(high) AS highest, sum(trade_count) AS trades, count(*) FILTER (NOT is_complete) AS incomplete
  FROM ${DEMO.dailyBars} GROUP BY symbol ORDER BY symbol`

async function run(context: CommandContext): Promise<CommandResult> {
  const lake = text(context.values, 'lake') ?? 'lakehouse-demo'
  const say = (line: string) => (context.json ? undefined : context.out(`${line}\n`))
  const public_ = context.values['simulated'] !== true && (await isReachable(context))
  if (public_) {
    say('The public archive is reachable: using real data.')
    return await show(context, lake, DEMO.exchange, say)
  }
  say(
    context.values['simulated'] === true
      ? 'Using the simulated archive.'
      : 'The public archive is not reachable: using the simulated archive.',
  )
  const directory = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-demo-'))
  try {
    await writeArchive(directory, demoArchive())
    const server = await serveArchive({ directory })
    try {
      return await show(context, lake, server.url, say)
    } finally {
      await server.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function isReachable(context: CommandContext): Promise<boolean> {
  const quick = (config: Config): Config => ({
    ...config,
    archive: { ...config.archive, origin: DEMO.exchange, attempts: 1, idleTimeoutMs: REACH_MS },
  })
  const patience = new Promise<false>((resolve) => setTimeout(resolve, REACH_MS, false).unref())
  const lakehouse = await context.open(quick)
  const asked = lakehouse.withArchive(DEMO.exchange, async ({ source, origin }) => (await origin.head(source.archive.probe)) !== undefined)
  return await Promise.race([asked.catch(() => false), patience])
}

async function show(context: CommandContext, lake: string, origin: string, say: (line: string) => void): Promise<CommandResult> {
  const lakehouse = await context.open((config) => ({ ...config, lake, archive: { ...config.archive, origin, retryDelayMs: 100 } }))
  const result = await ingestMonth(context, lakehouse, say, lake)
  await showCharts(context, lakehouse, result, lake, say)
  say(`\n> ${QUERY.replaceAll(/\s+/g, ' ')}\n`)
  const rows = await lakehouse.select(QUERY)
  say(
    textTable(
      Object.keys(rows[0] ?? {}),
      rows.map((row) => Object.values(row)),
    ),
  )
  const at = lake === 'lakehouse' ? '' : ` --lake ${lake}`
  say(`\nNext:
  crypto-lakehouse status${at}
  crypto-lakehouse query${at} "SELECT * FROM ${DEMO.minutes} WHERE symbol = '${DEMO.symbol}' LIMIT 5"
  crypto-lakehouse query${at} "SELECT key, status, reason FROM bronze.objects WHERE status <> 'verified'"
  crypto-lakehouse ingest klines --market spot --symbols SOLUSDT --interval 1m --from 2024-01-01 --to 2024-03-01`)
  const shown = ingestResult(outcomeOf(result))
  // Findings do not change the exit code: the demonstration exists to show them.
  const status = shown.status === 'failed' ? 'failed' : 'done'
  return { ...shown, status, body: { ...shown.body, lake, origin: origin === DEMO.exchange ? 'public' : 'simulated' } }
}

/** Ingests the parts of the demonstration: most of them for the whole month, the others for the day in its middle. */
async function ingestMonth(
  context: CommandContext,
  lakehouse: Lakehouse,
  say: (line: string) => void,
  lake: string,
): Promise<IngestResult> {
  const month = { start: DEMO_MONTH.start * 1000, end: (DEMO_MONTH.start + DEMO_MONTH.days * 86_400_000) * 1000 }
  const middle = month.start + 14 * 86_400_000_000
  const day = { start: middle, end: middle + 86_400_000_000 }
  const results: IngestResult[] = []
  for (const { isDay, ...chosen } of DEMO.parts) {
    const part = { ...chosen, range: isDay ? day : month }
    const startedMs = context.nowMs()
    const display = new ProgressDisplay({ write: context.note, interactive: context.interactive, nowMs: context.nowMs })
    const onProgress = context.interactive ? display.update.bind(display) : () => {}
    const result = await lakehouse
      .ingest({ exchange: DEMO.exchange, types: [TRADED_BARS], ...part, layers: new Set(LAYERS), onProgress, onNotice: () => {} })
      .finally(() => display.clear())
    say(`\n${part.markets[0]} ${TRADED_BARS} ${part.symbols.join(', ')} ${part.intervals.join(', ')}`)
    say(
      summary(outcomeOf(result), context.nowMs() - startedMs, lake)
        .slice(0, -1)
        .join('\n'),
    )
    results.push(result)
  }
  return merge(results)
}

function merge(results: readonly IngestResult[]): IngestResult {
  const [first, ...rest] = results
  if (first === undefined) throw new RangeError('the demonstration has no parts to ingest')
  const counts = { ...first.counts }
  for (const { counts: more } of rest) for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += more[name]
  return {
    counts,
    findings: results.flatMap((result) => result.findings),
    errors: results.flatMap((result) => result.errors),
    tables: [...new Set(results.flatMap((result) => result.tables))],
    swept: first.swept,
  }
}

async function showCharts(
  context: CommandContext,
  lakehouse: Lakehouse,
  result: IngestResult,
  lake: string,
  say: (line: string) => void,
): Promise<void> {
  const daily = await candles(lakehouse, DEMO.dailyBars, DEMO.symbol)
  say(`\n${DEMO.symbol}, one candle per day\n${textChart(daily, { height: 14, color: context.color })}`)
  const hours = new Map<string, readonly Candle[]>()
  for (const symbol of DEMO.symbols) hours.set(symbol, await candles(lakehouse, DEMO.fourHourBars, symbol))
  const file = join(lake, 'demo.html')
  const notes = result.findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ check, table, symbol, explanation }) => `${check}: ${table} ${symbol ?? ''}: ${explanation}`)
  await writeFile(file, htmlChart('January 2024 in 4-hour bars', hours, notes))
  say(`\nwrote ${file}`)
}

async function candles(lakehouse: Lakehouse, table: string, symbol: string): Promise<Candle[]> {
  const rows = await lakehouse.select(
    `SELECT open_time, open, high, low, close, volume, is_complete FROM ${table} WHERE symbol = '${symbol}' ORDER BY open_time`,
  )
  return rows.map((row) => ({
    time: row['open_time'] instanceof Date ? row['open_time'].toISOString().slice(0, 16).replace('T', ' ') : String(row['open_time']),
    open: Number(row['open']),
    high: Number(row['high']),
    low: Number(row['low']),
    close: Number(row['close']),
    volume: Number(row['volume']),
    complete: row['is_complete'] === true,
  }))
}
