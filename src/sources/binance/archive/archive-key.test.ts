import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDay, formatMonth, PLAUSIBLE_TIME } from '../../../core/time.ts'
import { fileRange } from '../../archive/file-range.ts'
import type { ArchiveFile } from '../../contract.ts'
import { OFFERS } from '../offers.ts'
import { symbols } from '../symbols.ts'
import { parseArchiveKey, printArchiveKey } from './archive-key.ts'

const symbol = fc.oneof(
  fc.constantFrom('BTCUSDT', 'BTCUSDT_260925', 'BTCUSD_PERP', 'CVCUSDTSETTLED', '1000SHIBUSDT', '币安人生USDT', 'BTCBVOLUSDT'),
  fc.stringMatching(/^[A-Z0-9]{1,12}(_[0-9]{6}|_PERP)?$/),
)

const file = fc
  .tuple(fc.constantFrom(...OFFERS), symbol, fc.integer({ min: PLAUSIBLE_TIME.start, max: PLAUSIBLE_TIME.end - 1 }), fc.nat(), fc.nat())
  .map(([entry, name, us, which, index]): ArchiveFile => {
    const periods = Object.keys(entry.archive.periods) as ('daily' | 'monthly')[]
    const period = periods[which % periods.length] ?? 'daily'
    const intervals = entry.archive.periods[period] ?? []
    const interval = intervals[index % Math.max(intervals.length, 1)]
    return {
      exchange: 'binance',
      market: entry.market,
      dataset: entry.dataset,
      symbol: name,
      interval,
      period,
      date: period === 'daily' ? formatDay(us) : formatMonth(us),
    }
  })

test('the key of every possible file parses back to the same file', () => {
  fc.assert(fc.property(file, (one) => assert.deepEqual(parseArchiveKey(printArchiveKey(one)), one)))
})

test('keys that do not follow the grammar are refused with the reason', () => {
  const refused = {
    'data/spot/weekly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip': /neither daily nor monthly/,
    'data/spot/daily/klines/BTCUSDT/7m/BTCUSDT-7m-2024-01-01.zip': /its interval is not known/,
    'data/spot/daily/klines/BTCUSDT/1m/ETHUSDT-1m-2024-01-01.zip': /file name does not match its folder/,
    'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02-30.zip': /file name does not match its folder/,
    'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip': /file name does not match its folder/,
    'data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip.CHECKSUM': /file name does not match its folder/,
    'data/spot/daily/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01-01.zip': /does not have daily files of fundingRate/,
    'data/moon/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip': /its market is not known/,
    'data/spot/daily/klines/../1m/..-1m-2024-01-01.zip': /its symbol is not valid/,
  }
  for (const [key, reason] of Object.entries(refused))
    assert.throws(() => parseArchiveKey(key), { code: 'ARCHIVE_KEY_INVALID', message: reason }, key)
})

test('symbols of any script are symbols, paths are not', () => {
  assert.ok(symbols.accepts('币安人生USDT'))
  for (const text of ['', '..', 'A/B', 'A B', 'A\0']) assert.ok(!symbols.accepts(text), text)
})

test('a file covers its day or its month', () => {
  assert.deepEqual(fileRange({ period: 'monthly', date: '2024-02' }), { start: Date.UTC(2024, 1) * 1000, end: Date.UTC(2024, 2) * 1000 })
  assert.deepEqual(fileRange({ period: 'daily', date: '2023-12-31' }), {
    start: Date.UTC(2023, 11, 31) * 1000,
    end: Date.UTC(2024, 0) * 1000,
  })
})
