import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { asLakehouseError } from '../../src/core/errors.ts'
import { temporaryFolder } from '../support/folders.ts'
import { BOMBS, hostileStatements } from '../support/hostile-sql.ts'
import { openEmptyLake } from '../support/lakehouse.ts'

const REFUSED = ['SQL_REFUSED', 'SQL_INVALID', 'TABLE_NOT_FOUND']

test('hostile statements read nothing and write nothing, with and without an output file', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const folder = await temporaryFolder(context)
  for (const name of ['secret.csv', 'secret.json', 'secret.parquet']) await writeFile(join(folder, name), 'a,b\nCANARY,1\n')
  await mkdir(join(folder, 'out'))
  const output = join(folder, 'out', 'o.csv')
  const statements = hostileStatements(folder)
  assert.ok(statements.length >= 300, String(statements.length))
  for (const sql of statements)
    for (const run of [() => lakehouse.show(sql), () => lakehouse.query(sql, { format: 'csv', output })]) {
      const outcome = await run().then(
        () => 'accepted',
        (error: unknown) => `${asLakehouseError(error).code} ${asLakehouseError(error).message}`,
      )
      assert.ok(REFUSED.includes(outcome.split(' ')[0] ?? ''), `${sql.slice(0, 200)}: ${outcome}`)
      assert.doesNotMatch(outcome, /CANARY/)
    }
  assert.deepEqual((await readdir(folder)).toSorted(), ['out', 'secret.csv', 'secret.json', 'secret.parquet'])
  assert.deepEqual(await readdir(join(folder, 'out')), [])
  assert.deepEqual(await lakehouse.show('SELECT 1 AS one'), [{ one: 1 }])
})

test('a query ends within its bounds of memory, time, disk and rows, and the next one is answered', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const folder = await temporaryFolder(context)
  const run = async (sql: string, bounds: object, output?: string) =>
    await lakehouse.queryIsolated({
      ...{ sql, asOf: undefined, layer: undefined, bounds },
      ...(output === undefined ? { result: 'rows', output } : { result: 'csv', output }),
    } as Parameters<typeof lakehouse.queryIsolated>[0])
  const limited = (message: RegExp) => ({ code: 'QUERY_LIMIT', message })
  await assert.rejects(run(BOMBS[0] ?? '', { memoryMb: 512 }), limited(/needed more than 512 MB of memory: .*--max-memory/))
  const slow = BOMBS.find((sql) => sql.includes('SELECT levenshtein')) ?? ''
  await assert.rejects(run(slow, { timeoutMs: 1500 }), limited(/ran longer than 1.5 s: .*--timeout/))
  const output = join(folder, 'rows.csv')
  await assert.rejects(run('FROM range(100)', { maxRows: 10 }, output), limited(/more than 10 rows/))
  assert.deepEqual(await readdir(folder), [])
  await assert.rejects(
    run('SELECT i, repeat(md5(i::VARCHAR), 8) AS s FROM range(20000000) t(i) ORDER BY hash(i)', { spillMb: 16 }, output),
    limited(/16 MB of disk/),
  )
  await run('FROM range(10)', { maxRows: 10 }, output)
  assert.equal((await readFile(output, 'utf8')).split('\n').length, 12)
  assert.deepEqual((await run('SELECT 1 AS one', {})).rows, [{ one: 1 }])
})

test('a signal ends a query whose engine does not notice it', async (context) => {
  const abort = new AbortController()
  const lakehouse = await openEmptyLake(context, { signal: abort.signal })
  const slow = BOMBS.find((sql) => sql.includes('SELECT levenshtein')) ?? ''
  setTimeout(() => abort.abort(new DOMException('interrupted', 'AbortError')), 1000)
  const asked = { sql: slow, asOf: undefined, layer: undefined, result: 'rows', output: undefined, bounds: {} } as const
  await assert.rejects(lakehouse.queryIsolated(asked), { code: 'INTERRUPTED' })
})

test('a query ends with the reader of its result', async (context) => {
  const lakehouse = await openEmptyLake(context)
  const output = new Writable({ write: (_piece, _encoding, done) => done(new Error('the reader is gone')) })
  // Rows come at once, and would come for hours.
  const sql = "SELECT i, md5(i::VARCHAR) AS s FROM range(1000000000000) t(i) WHERE s > '1'"
  const asked = { sql, asOf: undefined, layer: undefined, result: 'csv', output, bounds: { maxRows: 1e12 } } as const
  await assert.rejects(lakehouse.queryIsolated(asked), /the reader is gone/)
  assert.deepEqual(await queryProcesses(), [])
})

/** The processes of queries that this process has started. */
async function queryProcesses(): Promise<string[]> {
  const own = new Set((await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' '))
  const lines = await Promise.all([...own].map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes('query-worker'))
}
