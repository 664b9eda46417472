import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseExactJson, printExactJson } from '../../src/lake/iceberg/metadata.ts'
import { byPeriod, type TableShape } from '../../src/lake/iceberg/schema.ts'
import { startCatalog } from '../support/catalog.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const SHAPE: TableShape = {
  fields: [
    { id: 1, name: 'symbol', type: 'string', required: false },
    { id: 2, name: 'ts', type: 'timestamptz', required: false },
    { id: 3, name: 'open', type: 'double', required: false },
    { id: 4, name: 'close', type: 'double', required: false },
  ],
  partition: byPeriod('ts', 'month'),
  sort: ['symbol', 'ts'],
}
const rows = (from: number, to: number) =>
  `SELECT 'A' AS symbol, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (n) DAY AS ts, n / 2.0 AS open, n / 3.0 AS close FROM range(${from}, ${to}) t(n)`

type Json = Record<string, unknown>
type Field = { id: number; name: string; type: string; required: boolean }

/** A table with one snapshot whose second append lies beside it, ready to be committed, and a catalog of it. */
async function target(context: TestContext) {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  const lakehouse = openLakehouse({ lake, archive: lake })
  const metadata = join(lake, 'silver/prices/metadata')
  await lakehouse.withTables(true, (tables) => tables.write('silver.prices', rows(0, 40), { mode: 'append', shape: SHAPE }))
  const [hint, kept] = [await readFile(join(metadata, 'version-hint.text'), 'utf8'), new Set(await readdir(metadata))]
  await lakehouse.withTables(true, (tables) => tables.write('silver.prices', rows(40, 50), { mode: 'append' }))
  const newest = (await readdir(metadata)).filter((name) => name.endsWith('.metadata.json') && !kept.has(name))[0] ?? ''
  const after = parseExactJson(await readFile(join(metadata, newest), 'utf8')) as { snapshots: Json[] }
  /** Takes every later version away. */
  const reset = async () => {
    for (const name of await readdir(metadata)) if (/^v\d+\.metadata\.json$/.test(name) && !kept.has(name)) await rm(join(metadata, name))
    await writeFile(join(metadata, 'version-hint.text'), hint)
  }
  await reset()
  const { url, close } = await startCatalog(lakehouse, { requestMs: 2000 })
  context.after(close)
  const send = async (body: unknown) => {
    const answer = await fetch(`${url}/v1/namespaces/silver/tables/prices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: printExactJson(body),
    })
    return { status: answer.status, text: await answer.text() }
  }
  /** The values of the first columns by their ids, as the table is read now. */
  const content = async () => {
    const loaded = (await (await fetch(`${url}/v1/namespaces/silver/tables/prices`)).json()) as {
      metadata: { schemas: { 'schema-id': number; fields: Field[] }[]; 'current-schema-id': number }
    }
    const current = loaded.metadata.schemas.find((schema) => schema['schema-id'] === loaded.metadata['current-schema-id'])
    const names = (current?.fields ?? []).filter(({ id }) => id <= 4)
    const read = await lakehouse.select('FROM silver.prices')
    return names.map(
      ({ id, name }) =>
        [
          id,
          read
            .map((row) => String(row[name]))
            .toSorted()
            .join(' '),
        ] as const,
    )
  }
  return { lake, url, lakehouse, send, reset, content, snapshot: after.snapshots.at(-1) ?? assert.fail() }
}

/** Every body that differs from the given one in one value. */
function* mutated(body: unknown, path: readonly (string | number)[] = []): Generator<{ at: string; body: unknown }> {
  const at = path.join('.')
  if (Array.isArray(body)) {
    for (const [index, item] of body.entries()) {
      for (const one of mutated(item, [...path, index])) yield { at: one.at, body: body.with(index, one.body) }
      yield { at: `${at}.${index} removed`, body: body.toSpliced(index, 1) }
      yield { at: `${at}.${index} doubled`, body: body.toSpliced(index, 0, item) }
    }
    return
  }
  if (typeof body === 'object' && body !== null) {
    for (const [key, value] of Object.entries(body)) {
      for (const one of mutated(value, [...path, key])) yield { at: one.at, body: { ...body, [key]: one.body } }
      yield { at: `${at}.${key} removed`, body: Object.fromEntries(Object.entries(body).filter(([name]) => name !== key)) }
    }
    return
  }
  const others: unknown[] =
    typeof body === 'string'
      ? ['', '../../x', `${body}x`, 'file:///etc/passwd', 'close', 'long', null]
      : typeof body === 'number' || typeof body === 'bigint'
        ? [0, -1, 1, 2, 999, Number(body) + 1, 9007199254740993n, 1.5, null, 'x']
        : [!(body === true), null]
  for (const other of others) yield { at: `${at} ${String(body)} → ${String(other)}`, body: other }
}

test('every mutated commit is refused with 4xx, or leaves the table readable with equal values', async (context) => {
  const { send, reset, content, snapshot } = await target(context)
  const append = {
    requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': snapshot['parent-snapshot-id'] }],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshot['snapshot-id'] },
    ],
  }
  const fields = SHAPE.fields.map(({ id, name, type, required }) => ({ id, name, type, required }))
  const evolve = {
    requirements: [],
    updates: [
      { action: 'add-schema', schema: { type: 'struct', fields: [...fields, { id: 5, name: 'note', type: 'string', required: false }] } },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { fields: [{ name: 'ts_day', transform: 'day', 'source-id': 2, 'field-id': 1001 }] } },
      { action: 'set-default-spec', 'spec-id': -1 },
      {
        action: 'add-sort-order',
        'sort-order': { fields: [{ transform: 'identity', 'source-id': 1, direction: 'asc', 'null-order': 'nulls-first' }] },
      },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
      { action: 'set-properties', updates: { owner: 'me' } },
    ],
  }
  const before = new Map(await content())
  assert.equal((await send(append)).status, 200)
  const after = new Map(await content())
  await reset()
  assert.equal((await send(evolve)).status, 200)
  assert.deepEqual(new Map(await content()), before)
  await reset()
  const counts = { accepted: 0, refused: 0 }
  // Every second one, for the sake of time.
  for (const { at, body } of [...mutated(append), ...mutated(evolve)].filter((_, index) => index % 2 === 0)) {
    const { status, text } = await send(body)
    if (status === 200) {
      counts.accepted++
      for (const [id, values] of await content())
        assert.ok(values === before.get(id) || values === after.get(id), `${at}: column ${id} reads other values`)
      await reset()
    } else {
      counts.refused++
      assert.ok(status >= 400 && status < 500, `${at}: ${status} ${text}`)
      assert.deepEqual(new Map(await content()), before, at)
    }
  }
  context.diagnostic(`${counts.accepted} accepted, ${counts.refused} refused`)
  assert.ok(counts.accepted + counts.refused >= 200, JSON.stringify(counts))
})

test('forged snapshots, narrowed and swapped columns, and lost specs are refused with the reason', async (context) => {
  const { send, snapshot, lake } = await target(context)
  const fields = SHAPE.fields.map(({ id, name, type, required }) => ({ id, name, type, required }))
  const schema = (changed: object[]) => [
    { action: 'add-schema', schema: { type: 'struct', fields: changed } },
    { action: 'set-current-schema', 'schema-id': -1 },
  ]
  const add = (changes: Json) => [{ action: 'add-snapshot', snapshot: { ...snapshot, ...changes } }]
  const cases: readonly [updates: object[], status: number, reason: RegExp][] = [
    [add({ 'snapshot-id': 999, 'manifest-list': 'file:///etc/passwd' }), 400, /outside the lake/],
    [add({ 'manifest-list': `file://${lake}/silver/prices/metadata/../../../x` }), 400, /not in the folder of the table/],
    [add({ 'manifest-list': `file://${lake}/silver/prices/metadata/none.avro` }), 400, /does not exist/],
    [add({ 'sequence-number': 1 }), 409, /sequence number 1, but the next one is 2/],
    [add({ 'sequence-number': 7 }), 409, /load the table/],
    [add({ 'timestamp-ms': 4_000_000_000_000 }), 400, /check the clock/],
    [add({ 'parent-snapshot-id': 5 }), 400, /parent 5, which does not exist/],
    [add({ 'schema-id': 44 }), 400, /schema 44/],
    [
      schema(fields.map((field) => (field.name === 'close' ? { ...field, type: 'string' } : field))),
      400,
      /cannot change from double to string/,
    ],
    [
      schema(fields.map((field) => (field.name === 'close' ? { ...field, id: 3 } : field.name === 'open' ? { ...field, id: 4 } : field))),
      400,
      /values of another column/,
    ],
    [schema([...fields, { ...fields[0], name: 'SYMBOL', id: 9 }]), 400, /differ only in case/],
    [schema([...fields, { ...fields[0], name: 'other' }]), 400, /two columns with the id 1/],
    [schema([...fields, { id: 5, name: 'x', type: 'long', required: true }]), 400, /new and required/],
    [schema(fields.map((field) => ({ ...field, required: true }))), 400, /cannot become required/],
    [schema([]), 400, /no columns/],
    [
      [{ action: 'add-spec', spec: { fields: [{ name: 'x', transform: 'identity', 'source-id': 77 }] } }],
      400,
      /column 77, which does not exist/,
    ],
    [[{ action: 'assign-uuid', uuid: '00000000-0000-0000-0000-000000000001' }], 400, /uuid/],
    [[{ action: 'set-properties', updates: { big: 'x'.repeat(2 << 20) } }], 400, /properties have/],
    [
      [
        { action: 'add-spec', spec: { fields: [] } },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'remove-partition-specs', 'spec-ids': [0] },
      ],
      400,
      /unreadable/,
    ],
  ]
  for (const [updates, status, reason] of cases) {
    const answer = await send({ requirements: [], updates })
    assert.deepEqual([answer.status, reason.test(answer.text)], [status, true], `${String(reason)}: ${answer.status} ${answer.text}`)
    assert.ok(!answer.text.includes(lake), answer.text)
  }
})

test('requests with a foreign Host or Origin, endless JSON and slow bodies are refused', async (context) => {
  const { url } = await target(context)
  const { port } = new URL(url)
  const ask = async (headers: Record<string, string>, body = '{}') => {
    const sent = request({
      port,
      method: 'POST',
      path: '/v1/namespaces/silver/tables',
      headers: { 'content-type': 'application/json', ...headers },
    })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [{ statusCode: number; headers: Record<string, string>; resume: () => void }]
    answer.resume()
    return answer
  }
  assert.equal((await ask({ host: 'attacker.example' })).statusCode, 421)
  assert.equal((await ask({ origin: 'http://attacker.example' })).statusCode, 403)
  const { headers } = await ask({})
  assert.deepEqual([headers['x-content-type-options'], headers['cache-control']], ['nosniff', 'no-store'])
  const started = performance.now()
  assert.equal((await ask({}, `[${'1,'.repeat(4 << 20)}1]`)).statusCode, 413)
  assert.equal((await ask({}, '['.repeat(100_000))).statusCode, 413)
  assert.ok(performance.now() - started < 10_000)
  assert.equal((await fetch(`${url}/v1/config`)).status, 200)
  // A body that does not come ends with the connection, after the request's time.
  const slow = connect({ port: Number(port), host: '127.0.0.1' })
  slow.write(
    'POST /v1/namespaces/silver/tables HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 60000000\r\n\r\n{',
  )
  slow.resume()
  await once(slow, 'close')
})
