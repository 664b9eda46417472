import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { INTERVALS } from '../../core/interval.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { sourceOf, tradedNames } from '../../sources/series.ts'
import type { Exporter } from './exporter.ts'

const UNITS: Readonly<Record<string, string>> = { s: 'SECOND', m: 'MINUTE', h: 'HOUR', d: 'DAY', w: 'WEEK', mo: 'MONTH' }

/**
 * Nautilus stores prices and sizes as little-endian integers of 128 bits in units of 10⁻¹⁶. DuckDB writes sixteen bytes unchanged when their type is UUID.
 */
function fixedPoint(column: string): string {
  const hex = `lpad(to_hex((${column}::DECIMAL(38, 8) * 100000000)::HUGEINT * 100000000), 32, '0')`
  return `array_to_string(list_reverse(regexp_extract_all(${hex}, '..')), '')::UUID`
}

/** SQL of the most decimals of any value in a column. */
function decimals(column: string): string {
  return `max(length(rtrim(split_part(${column}::DECIMAL(38, 8)::VARCHAR, '.', 2), '0')))`
}

/** Files as this exporter names them: two instants. */
const OWN_FILE = /^[\dTZ-]+_[\dTZ-]+\.parquet$/

export const nautilus = {
  id: 'nautilus',
  meaning:
    'NautilusTrader (1.2xx, high precision): its Parquet catalog, data/bar/BTCUSDT.EXCHANGE-1-HOUR-LAST-EXTERNAL/…; each bar has its close time as timestamp',
  async write({ session, rows, market, interval, folder }, symbol) {
    const [, step = '', unit = ''] = /^(\d+)(\D+)$/.exec(interval) ?? []
    const isPerpetual = sourceOf(market).symbols.split(market.market, symbol).contractType === 'perpetual'
    const instrument = `${symbol}${isPerpetual ? '-PERP' : ''}.${market.exchange.toUpperCase()}`
    const type = `${instrument}-${step}-${UNITS[unit] ?? ''}-LAST-EXTERNAL`
    const { amount } = tradedNames(market)
    const { us } = INTERVALS[interval]
    const closed = us === undefined ? 'epoch_ns(open_time + INTERVAL 1 MONTH)' : `epoch_ns(open_time) + ${us * 1000}`
    const of = `FROM (${rows}) WHERE symbol = ${quote(symbol)}`
    const [span] = await session.rows(
      `SELECT min(${closed}) AS first, max(${closed}) AS last, greatest(${['open', 'high', 'low', 'close'].map(decimals).join(', ')}) AS price, ${decimals(amount)} AS size ${of}`,
    )
    if (span === undefined || span['first'] === null) return []
    const path = join('data', 'bar', type)
    await mkdir(join(folder, path), { recursive: true })
    // Remove old files of this exporter: a file is named by its range, and a file of another range would repeat the same bars.
    for (const name of await readdir(join(folder, path))) if (OWN_FILE.test(name)) await rm(join(folder, path, name))
    const file = join(path, `${stamp(BigInt(String(span['first'])))}_${stamp(BigInt(String(span['last'])))}.parquet`)
    const keys = { bar_type: type, instrument_id: instrument, price_precision: String(span['price']), size_precision: String(span['size']) }
    const metadata = Object.entries(keys).map(([key, value]) => `${key}: ${quote(value)}`)
    const columns = [...['open', 'high', 'low', 'close'].map((name) => `${fixedPoint(name)} AS ${name}`), `${fixedPoint(amount)} AS volume`]
    await session.run(
      `COPY (SELECT ${columns.join(', ')}, (${closed})::UBIGINT AS ts_event, (${closed})::UBIGINT AS ts_init ${of} ORDER BY open_time) TO ${quote(join(folder, file))} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.join(', ')}})`,
    )
    return [file]
  },
} as const satisfies Exporter

/** 2024-01-01T00-00-00-000000000Z */
function stamp(ns: bigint): string {
  const second = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19).replaceAll(':', '-')
  return `${second}-${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}
