// Checks that freqtrade, NautilusTrader and vectorbt read the exported bars. Each tool has its own environment in .cache/export-tools.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { configSchema } from '../src/config/schema.ts'
import { Lakehouse } from '../src/lakehouse/lakehouse.ts'
import { writeArchive } from '../src/simulator/archive.ts'

const run = promisify(execFile)
const TABLE = 'silver.binance_spot_klines_1h'

/** For each tool: its packages, and a program that reads a folder and prints the number of rows, first and last time (ms) and the sum of closes. */
const TOOLS = {
  freqtrade: {
    packages: ['freqtrade==2026.9'],
    program: `
import sys
from pathlib import Path
from freqtrade.data.history import load_pair_history
from freqtrade.enums import CandleType
d = load_pair_history(pair="BTC/USDT", timeframe="1h", datadir=Path(sys.argv[1]), data_format="feather", candle_type=CandleType.SPOT, fill_up_missing=False, drop_incomplete=False)
print(len(d), d["date"].iloc[0].value // 10**6, d["date"].iloc[-1].value // 10**6, round(float(d["close"].sum()), 6))`,
  },
  nautilus: {
    packages: ['nautilus_trader==1.221.0'],
    program: `
import sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog
b = ParquetDataCatalog(sys.argv[1]).bars()
hour = 3_600_000
print(len(b), b[0].ts_event // 10**6 - hour, b[-1].ts_event // 10**6 - hour, round(sum(float(one.close) for one in b), 6))`,
  },
  pandas: {
    packages: ['vectorbt==1.2.0', 'pyarrow'],
    program: `
import sys
import pandas as pd
import vectorbt as vbt
d = pd.read_parquet(sys.argv[1] + "/BTCUSDT-1h.parquet").set_index("open_time")
fast, slow = vbt.MA.run(d["close"], 10), vbt.MA.run(d["close"], 30)
vbt.Portfolio.from_signals(d["close"], fast.ma_crossed_above(slow), fast.ma_crossed_below(slow), freq="1h").total_return()
print(len(d), d.index[0].value // 10**6, d.index[-1].value // 10**6, round(float(d["close"].sum()), 6))`,
  },
} as const

async function python(tool: string, packages: readonly string[]): Promise<string> {
  const target = join(import.meta.dirname, '..', '.cache', 'export-tools', tool)
  const interpreter = join(target, 'bin', 'python')
  if (!existsSync(join(target, 'complete'))) {
    await rm(target, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', target])
    await run(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], { maxBuffer: 1 << 26 })
    await run('touch', [join(target, 'complete')])
  }
  return interpreter
}

const folder = await mkdtemp(join(tmpdir(), 'export-tools-'))
try {
  const archive = join(folder, 'archive')
  const series = [{ market: 'spot' as const, symbol: 'BTCUSDT', types: ['klines'] as const, intervals: ['1h'] as const }]
  await writeArchive(archive, { seed: 'tools', series, start: Date.UTC(2024, 0, 1), days: 60, tradesPerDay: 2000, periods: ['daily'] })
  const config = configSchema.parse({ lake: join(folder, 'lake'), archive: { origin: archive } })
  const lakehouse = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
  const all = {
    types: ['klines'] as const,
    markets: [],
    symbols: [],
    intervals: [],
    range: undefined,
    layers: new Set(['bronze', 'silver'] as const),
  }
  await lakehouse.ingest({ ...all, onProgress: () => {}, onNotice: () => {} })
  const [row = {}] = await lakehouse.select(
    `SELECT count(*)::INTEGER AS n, epoch_ms(min(open_time))::DOUBLE AS first, epoch_ms(max(open_time))::DOUBLE AS last, round(sum(close), 6) AS closes FROM ${TABLE}`,
  )
  const expected = Object.values(row).join(' ')
  process.stdout.write(`the table: ${expected}\n`)
  for (const [tool, { packages, program }] of Object.entries(TOOLS)) {
    const out = join(folder, tool)
    await lakehouse.withGold(false, (gold) => gold.exportBars(TABLE, tool, out, { symbols: '*', range: undefined }))
    const { stdout } = await run(await python(tool, packages), ['-c', program, out], { maxBuffer: 1 << 26 })
    const answer = stdout.trim().split('\n').at(-1) ?? ''
    const isSame = answer.split(' ').every((text, index) => Math.abs(Number(text) - Number(Object.values(row)[index])) < 1e-3)
    process.stdout.write(`${packages.join(' ')} reads: ${answer}${isSame ? '' : ' — DIFFERENT'}\n`)
    if (!isSame) process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
