import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Relation } from './relation.ts'
import { DuckDBSession } from './session.ts'

async function open(context: TestContext): Promise<DuckDBSession> {
  const folder = await mkdtemp(join(tmpdir(), 'relation-'))
  const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: 64, temporaryDirectory: folder })
  context.after(async () => {
    session.close()
    await rm(folder, { recursive: true })
  })
  return session
}

const tables = async (session: DuckDBSession) =>
  (await session.rows("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'relation%'")).length

test('a relation has the requested columns, by name, and is dropped at the block end', async (context) => {
  const session = await open(context)
  {
    await using one = await Relation.of(session, ['b', 'a'], 'SELECT 1 AS a, 2 AS b, 3 AS c')
    await using two = await Relation.of(session, ['b', 'a'], 'SELECT 4 AS b, 5 AS a')
    assert.deepEqual(await session.rows(`SELECT a, b FROM ${one} UNION ALL SELECT a, b FROM ${two} ORDER BY ALL`), [
      { a: 1, b: 2 },
      { a: 5, b: 4 },
    ])
    assert.equal(await tables(session), 2)
  }
  assert.equal(await tables(session), 0)
})

test('an empty relation has types; rows are added by column name, with null if missing', async (context) => {
  const session = await open(context)
  await using relation = await Relation.empty(session, { symbol: 'VARCHAR', us: 'BIGINT', flag: 'BOOLEAN' })
  await relation.add("SELECT 7::BIGINT AS us, 'A' AS symbol")
  await relation.add("SELECT 'B' AS symbol, true AS flag")
  assert.deepEqual(await session.rows(`SELECT symbol, us::INTEGER AS us, flag FROM ${relation} ORDER BY symbol`), [
    { symbol: 'A', us: 7, flag: null },
    { symbol: 'B', us: null, flag: true },
  ])
  assert.deepEqual(relation.columns, ['symbol', 'us', 'flag'])
})

test('a query that lacks a column is refused and leaves no table behind', async (context) => {
  const session = await open(context)
  await assert.rejects(Relation.of(session, ['a', 'b'], 'SELECT 1 AS a'), /"b"/)
  await using whatever = await Relation.from(session, 'SELECT 1 AS x, 2 AS y')
  assert.deepEqual(whatever.columns, ['x', 'y'])
  assert.equal(await tables(session), 1)
})
