import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folders.ts'
import { type FeedChunk, type FeedColumn, registerFeed } from './feed.ts'
import { DuckDBSession } from './session.ts'

const SYMBOLS = ['A', 'TWELVE_CHARS', 'THIRTEEN_CHAR', '币安人生USDT', `${'LONG'.repeat(15)}USDT`, '']

test('columns of every type arrive in DuckDB as they were filled', async (context) => {
  for (const values of [3, 300, 70_000]) {
    const session = await DuckDBSession.open({
      threads: 1,
      memoryLimitMb: 256,
      temporaryDirectory: join(await temporaryFolder(context), 'spill'),
    })
    const names = Array.from({ length: values }, (_, n) => `value ${n}`)
    const columns: FeedColumn[] = [
      { name: 'symbol', type: 'constant' },
      { name: 'd', type: 'double' },
      { name: 'l', type: 'long' },
      { name: 't', type: 'instant' },
      { name: 'e', type: 'enum', values: names },
    ]
    let chunks = 0
    const fill = (chunk: FeedChunk) => {
      if (chunks === SYMBOLS.length * 20) return
      chunk.rows = chunks % 7 === 0 ? 2048 : 1 + (chunks % 300)
      chunk.texts[0] = SYMBOLS[chunks % SYMBOLS.length] ?? ''
      chunk.ordinals[4] = values - 1 - (chunks % 3)
      for (let row = 0; row < chunk.rows; row++)
        for (const index of [1, 2, 3])
          (chunk.numbers[index] ?? [])[row] =
            index === 1 ? row / 3 : index === 2 ? Number.MAX_SAFE_INTEGER - row * (row % 2 === 0 ? 1 : -1) * 1 : 1_700_000_000_000_000 + row
      chunks++
    }
    const feed = await registerFeed(session, columns, fill)
    await session.run(`CREATE TABLE t AS ${feed.sql}`)
    feed.finish()
    const counted = await session.rows('SELECT symbol, count(*) AS n FROM t GROUP BY symbol')
    assert.deepEqual(new Set(counted.map((row) => row['symbol'])), new Set(SYMBOLS))
    const [wrong] = await session.rows(`WITH numbered AS (SELECT *, epoch_us(t) - 1700000000000000 AS row FROM t)
      SELECT count(*) AS n FROM numbered WHERE d <> row / 3 OR l <> ${Number.MAX_SAFE_INTEGER} - row * (CASE WHEN row % 2 = 0 THEN 1 ELSE -1 END) OR e NOT LIKE 'value %'`)
    assert.equal(Number(wrong?.['n']), 0)
    session.close()
  }
})

test('an error in fill ends the feed and is thrown again', async (context) => {
  const session = await DuckDBSession.open({
    threads: 1,
    memoryLimitMb: 256,
    temporaryDirectory: join(await temporaryFolder(context), 'spill'),
  })
  let chunks = 0
  const feed = await registerFeed(session, [{ name: 'd', type: 'double' }], (chunk) => {
    if (chunks++ === 3) throw new RangeError('bad byte')
    chunk.rows = 10
  })
  await session.run(`CREATE TABLE t AS ${feed.sql}`)
  assert.throws(() => feed.finish(), /bad byte/)
  session.close()
})
