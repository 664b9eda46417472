import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utc } from '../../core/time.ts'
import { format } from '../binance/archive/formats.ts'
import { CsvDecoder } from './csv-decoder.ts'
import type { RejectedRow } from './file-evidence.ts'

const HEADER = 'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore'
const ROW = '1704067200000,1.5,2.5,0.5,2,10.001,1704067259999,15.25,7,5,7.5,0'

function decode(
  blocks: readonly (string | Buffer)[],
  range = { start: utc(2024), end: utc(2025) },
  columns = format('klines', 'spot').columns,
) {
  const rejected: RejectedRow[] = []
  const queue = blocks.map((block) => Buffer.from(block))
  const options = {
    columns,
    eventTime: 0,
    key: [0],
    texts: [],
    range,
    corrections: new Map<number, string>(),
    partitionStart: (us: number) => utc(new Date(us / 1000).getUTCFullYear()),
    onReject: (row: RejectedRow) => rejected.push(row),
  }
  const decoder = new CsvDecoder({ label: 'test.csv', next: () => queue.shift() }, options)
  const rows: number[][] = []
  const targets = columns.map((column) => (column.name === undefined ? undefined : new Float64Array(8)))
  for (let n = decoder.decode(targets, 8); n > 0; n = decoder.decode(targets, 8))
    for (let row = 0; row < n; row++) rows.push(targets.flatMap((target) => (target === undefined ? [] : [target[row] ?? 0])))
  return { rows, rejected, evidence: decoder.evidence }
}

const EXPECTED = [1704067200000000, 1.5, 2.5, 0.5, 2, 10.001, 1704067259999000, 15.25, 7, 5, 7.5]

test('rows are decoded with or without a header, and in any order of columns', () => {
  const plain = decode([`${ROW}\n`])
  assert.deepEqual(plain.rows, [EXPECTED])
  assert.equal(plain.evidence.header, undefined)
  const named = decode([`${HEADER}\n${ROW}\n`])
  assert.deepEqual(named.rows, [EXPECTED])
  assert.equal(named.evidence.header?.[0], 'open_time')
  const turned = (line: string) => line.split(',').reverse().join(',')
  assert.deepEqual(decode([`${turned(HEADER)}\n${turned(ROW)}\n`]).rows, [EXPECTED])
})

test('milliseconds and microseconds are distinguished value by value', () => {
  const { rows, evidence } = decode([
    `${ROW}\n${ROW.replace('1704067200000', '1704067260000000').replace('1704067259999', '1704067319999999')}\n`,
  ])
  assert.deepEqual(
    rows.map((row) => row[0]),
    [1704067200000000, 1704067260000000],
  )
  assert.deepEqual([evidence.unitMs, evidence.unitUs], [1, 1])
})

test('a BOM, CRLF, empty lines or a missing last line end do not change the rows', () => {
  for (const text of [`\ufeff${ROW}\n`, `${ROW}\r\n`, ROW, `${ROW}\r\n\r\n`, `\n${ROW}\n`]) {
    const { rows, rejected } = decode([text])
    assert.deepEqual(rows, [EXPECTED], JSON.stringify(text))
    assert.deepEqual(rejected, [])
  }
})

test('invalid lines are rejected with line, column and reason; the others are decoded', () => {
  const broken = {
    [ROW.replace('1.5', 'abc')]: ['open', 'NOT_A_NUMBER'],
    [ROW.replace('1.5', '')]: ['open', 'NOT_A_NUMBER'],
    [ROW.replace('1.5', '1.5\0')]: ['open', 'NOT_A_NUMBER'],
    [ROW.replace('1.5', 'NaN')]: ['open', 'NOT_A_NUMBER'],
    [ROW.replace('1.5', '1e999')]: ['open', 'NOT_A_NUMBER'],
    [ROW.replace('1704067200000', '1.70407E+12')]: ['open_time', 'NOT_AN_INTEGER'],
    [ROW.replace('1704067200000', '2024-01-01 00:00:00')]: ['open_time', 'NOT_A_NUMBER'],
    [ROW.replace('1704067200000', '1704067200')]: ['open_time', 'TIME_IMPLAUSIBLE'],
    [ROW.replace(',7,', ',7.5,')]: ['trade_count', 'NOT_AN_INTEGER'],
    [ROW.replace(',0.5', '')]: [null, 'FIELD_COUNT'],
    [`${ROW},1`]: [null, 'FIELD_COUNT'],
    garbage: [null, 'FIELD_COUNT'],
  }
  for (const [line, [column, reason]] of Object.entries(broken)) {
    const { rows, rejected } = decode([`${ROW}\n${line}\n${ROW}\n`])
    assert.equal(rows.length, 2, line)
    assert.deepEqual(rejected, [{ line: 2, column, reason, text: line }])
  }
})

test('a header that lacks a column makes the file invalid', () => {
  assert.throws(() => decode([`${HEADER.replace(',high', '')}\n${ROW}\n`]), { code: 'CSV_HEADER_INVALID', message: /lacks high/ })
})

test('rows of another partition are counted, not returned', () => {
  const { rows, evidence } = decode([`${ROW}\n${ROW.replace('1704067200000', '1735689600000')}\n`])
  assert.equal(rows.length, 1)
  assert.deepEqual([...evidence.elsewhere], [[utc(2025), 1]])
})

test('a file of several ranges is read once, and each range gets its own rows', () => {
  const hour = 3_600_000_000
  const start = utc(2024)
  const at = (hours: number) => ROW.replace('1704067200000', String(1704067200000 + hours * 3_600_000))
  // Before the first range, in it, in the gap between the ranges, in the second range, beyond both.
  const lines = [at(-1), at(0), at(0.5), at(1), at(1.5), at(2), at(2.5), at(9)]
  const range = (from: number) => ({ start: start + from * hour, end: start + (from + 1) * hour })
  const queue = [Buffer.from(`${lines.join('\n')}\n`)]
  const options = {
    columns: format('klines', 'spot').columns,
    eventTime: 0,
    key: [0],
    texts: [],
    range: range(0),
    stopsAtEnd: true,
    corrections: new Map<number, string>(),
    partitionStart: (us: number) => Math.floor(us / hour) * hour,
    onReject: () => assert.fail(),
  }
  const decoder = new CsvDecoder({ label: 'test.csv', next: () => queue.shift() }, options)
  const times = new Float64Array(8)
  const targets = options.columns.map((column, index) =>
    index === 0 ? times : column.name === undefined ? undefined : new Float64Array(8),
  )
  const hours = () => [...times.subarray(0, decoder.decode(targets, 8))].map((us) => (us - start) / hour)
  assert.deepEqual([hours(), hours(), decoder.evidence.rows], [[0, 0.5], [], 2])
  decoder.moveTo(range(2))
  assert.deepEqual([hours(), hours(), decoder.evidence.rows, decoder.evidence.ascending], [[2, 2.5], [], 2, true])
  decoder.moveTo(undefined)
  assert.deepEqual([hours(), decoder.evidence.rows, decoder.evidence.unitMs, decoder.evidence.lineEnd], [[], 0, 8, 'lf'])
  assert.deepEqual(
    [...decoder.evidence.elsewhere].map(([us, rows]) => [(us - start) / hour, rows]),
    [
      [-1, 1],
      [1, 2],
      [9, 1],
    ],
  )
})

test('the evidence says whether the rows are in order', () => {
  const later = ROW.replace('1704067200000', '1704067260000')
  assert.equal(decode([`${ROW}\n${later}\n`]).evidence.ascending, true)
  assert.equal(decode([`${later}\n${ROW}\n`]).evidence.ascending, false)
  assert.equal(decode([`${ROW}\n${ROW}\n`]).evidence.ascending, false)
})

test('a line without an end is rejected without filling memory, and the rest is read', () => {
  const { rows, rejected } = decode([`${ROW}\n`, Buffer.alloc(200_000, 'x'), Buffer.alloc(200_000, 'x'), `\n${ROW}\n`])
  assert.equal(rows.length, 2)
  assert.deepEqual([rejected.length, rejected[0]?.reason, rejected[0]?.line], [1, 'LINE_TOO_LONG', 2])
  const after = decode([`${ROW}\n`, Buffer.alloc(200_000, 'x'), `\nnonsense\n`])
  assert.deepEqual(
    after.rejected.map(({ line }) => line),
    [2, 3],
  )
})

test('the block boundaries do not change the rows', () => {
  const text = Array.from({ length: 20 }, (_, n) => ROW.replace('1704067200000', String(1704067200000 + n * 60_000))).join('\n')
  const whole = decode([text])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 }), (cuts) => {
      const blocks: string[] = []
      let at = 0
      for (const cut of cuts) {
        blocks.push(text.slice(at, at + cut))
        at += cut
      }
      assert.deepEqual(decode([...blocks, text.slice(at)].filter((block) => block !== '')).rows, whole.rows)
    }),
  )
})

test('every decimal becomes the nearest double', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat(12), fc.boolean(), fc.nat(12))
    .map(([digits, decimals, negative, zeros]) => {
      const text = String(digits).padStart(decimals + 1, '0')
      const number = decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}${'0'.repeat(zeros)}`
      return negative ? `-${number}` : number
    })
  const notation = fc.oneof(
    decimal,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constantFrom('0E-8', '.5', '5.', '+1', '-0', '00012.50', '90071992547409930', '.5000000000000000000', '-681319717.82160000'),
  )
  fc.assert(
    fc.property(notation, (text) => {
      const { rows, rejected } = decode([`${ROW.replace('1.5', text)}\n`])
      const value = Number(text)
      const isBeyond = Math.abs(value) >= 1e18 || (value === 0 && /[1-9]/.test(text.split('e')[0] ?? ''))
      return Object.is(rows[0]?.[1], value) || (isBeyond && rejected[0]?.reason === 'OUT_OF_RANGE')
    }),
  )
  assert.equal(decode([`${ROW.replace('1.5', '1.2.0000000000000000000')}\n`]).rejected[0]?.reason, 'NOT_A_NUMBER')
})

test('date-times are read to the microsecond, and invalid dates are rejected', () => {
  const range = { start: utc(2009), end: utc(2100) }
  const read = (time: string) =>
    decode([`timestamp,percentage,depth,notional\n${time},-5.00,1,2\n`], range, format('bookDepth', 'um').columns)
  const instant = fc.tuple(
    fc.integer({ min: utc(2009) / 1e6, max: utc(2100) / 1e6 - 1 }),
    fc.nat(999_999),
    fc.nat(6),
    fc.constantFrom(' ', 'T'),
  )
  fc.assert(
    fc.property(instant, ([seconds, micros, decimals, between]) => {
      const fraction = decimals === 0 ? '' : `.${String(micros).padStart(6, '0').slice(0, decimals)}`
      const time = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', between) + fraction
      assert.deepEqual(read(time).rows[0]?.slice(0, 2), [seconds * 1e6 + Math.round(Number(`0${fraction}`) * 1e6), -5], time)
    }),
  )
  assert.deepEqual(read('"2024-02-29 23:59:59"').rows[0]?.[0], Date.UTC(2024, 1, 29, 23, 59, 59) * 1000)
  const none = [
    '2023-02-29 00:00:00',
    '2024-01-01 24:00:01',
    '2024-01-01 00:60:00',
    '2024-01-01 00:00:60',
    '2024-01-01 00:00',
    '2024-01-01',
  ]
  const garbled = [
    '2024-01-01  0:00:00',
    '2024-01-01 00:00:00.',
    '2024-01-01 00:00:00.1234567',
    '2024-13-01 00:00:00',
    '24-01-01 00:00:00xx',
    '1999-01-01 00:00:00',
  ]
  for (const time of [...none, ...garbled])
    assert.deepEqual(
      read(time).rejected.map(({ reason }) => reason),
      ['NOT_A_TIME'],
      time,
    )
})
