import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { GetTableCommand, GlueClient } from '@aws-sdk/client-glue'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { cut, FIELDS, rows } from '../support/everything.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'key'
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'

const SHAPE = {
  fields: FIELDS.map((field) => ({ ...field, doc: `what ${field.name} means` })),
  partition: cut(['ts', 'month']),
  sort: ['symbol'],
}

async function houseWith(context: TestContext, endpoint: string): Promise<{ lakehouse: Lakehouse; lake: string }> {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  return { lakehouse: openLakehouse({ lake, archive: lake, glue: { region: 'eu-west-1', endpoint, databasePrefix: 'test_' } }), lake }
}

test('tables are made known to Glue with columns, meanings and the place of their metadata, and again when they change', async (context) => {
  const server = spawn(join(dirname(READERS_PYTHON), 'moto_server'), ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  context.after(() => server.kill('SIGKILL'))
  let said = ''
  const endpoint = await new Promise<string>((resolve, reject) => {
    server.stderr.on('data', (piece: Buffer) => {
      said += piece.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)
      if (found !== null) resolve(found[0])
    })
    server.on('exit', () => reject(new Error(said)))
  })
  const { lakehouse } = await houseWith(context, endpoint)
  const client = new GlueClient({ region: 'eu-west-1', endpoint })
  const held = async () => (await client.send(new GetTableCommand({ DatabaseName: 'test_silver', Name: 'everything' }))).Table
  await lakehouse.withTables(true, async (tables) => {
    await tables.write('silver.everything', rows(0, 20), { mode: 'append', shape: SHAPE })
    assert.deepEqual(tables.findings, [])
    const first = await held()
    const { metadataLocation } = await tables.describe('silver.everything')
    assert.deepEqual(
      [first?.Parameters?.['table_type'], first?.Parameters?.['metadata_location'], first?.TableType],
      ['ICEBERG', metadataLocation, 'EXTERNAL_TABLE'],
    )
    assert.deepEqual(
      first?.StorageDescriptor?.Columns?.map(({ Name, Type }) => `${Name} ${Type}`),
      [
        'id bigint',
        'symbol string',
        'ts timestamp',
        'local timestamp',
        'day date',
        'flag boolean',
        'small int',
        'ratio float',
        'price double',
        'amount decimal(18,4)',
      ],
    )
    assert.equal(first?.StorageDescriptor?.Columns?.[1]?.Comment, 'what symbol means')
    await tables.alterColumns('silver.everything', [{ kind: 'add', name: 'note', type: 'string' }])
    const second = await held()
    assert.equal(second?.Parameters?.['previous_metadata_location'], metadataLocation)
    assert.equal(second?.StorageDescriptor?.Columns?.length, 11)
    assert.deepEqual(await tables.publish(undefined), [])
  })
  client.destroy()
})

/** A Glue that minds versions, as the real one does: `before` may change the table between what a client has read and what it writes. */
async function strictGlue(context: TestContext, before: (table: Record<string, unknown>, update: number) => void) {
  let table: (Record<string, unknown> & { VersionId: number }) | undefined
  let updates = 0
  const refused: string[] = []
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { TableInput: Record<string, unknown>; VersionId?: string }
    const answer = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(value))
    const fail = (type: string) => {
      refused.push(type)
      answer(400, { __type: type, message: type })
    }
    const operation = String(request.headers['x-amz-target']).split('.')[1]
    if (operation === 'CreateDatabase') answer(200, {})
    else if (operation === 'GetTable')
      table === undefined ? fail('EntityNotFoundException') : answer(200, { Table: { ...table, VersionId: String(table.VersionId) } })
    else if (operation === 'CreateTable') {
      table = { ...body.TableInput, VersionId: 0 }
      answer(200, {})
    } else if (table !== undefined) {
      before(table, ++updates)
      if (body.VersionId !== String(table.VersionId)) return fail('ConcurrentModificationException')
      table = { ...body.TableInput, VersionId: table.VersionId + 1 }
      answer(200, {})
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    table: () => table as { Parameters: Record<string, string> } | undefined,
  }
}

test('somebody else changes the table in Glue at the same time: the change is made again for what is there, and a newer version is left alone', async (context) => {
  const glue = await strictGlue(context, (table, update) => {
    if (update === 1) table['VersionId'] = Number(table['VersionId']) + 1
  })
  const { lakehouse, lake } = await houseWith(context, glue.endpoint)
  await lakehouse.withTables(true, async (tables) => {
    await tables.write('silver.everything', rows(0, 20), { mode: 'append', shape: SHAPE })
    await tables.tag('silver.everything', 'x', undefined)
    assert.deepEqual(tables.findings, [])
    assert.ok(glue.refused.includes('ConcurrentModificationException'))
    const { metadataLocation } = await tables.describe('silver.everything')
    assert.equal(glue.table()?.Parameters['metadata_location'], metadataLocation)
    const newer = `file://${lake}/silver/everything/metadata/v99.metadata.json`
    const parameters = glue.table()?.Parameters ?? assert.fail()
    parameters['metadata_location'] = newer
    await tables.untag('silver.everything', 'x')
    assert.equal(glue.table()?.Parameters['metadata_location'], newer)
  })
})

test('a Glue that cannot be reached stops no commit: it is told, and can be made up for', async (context) => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const endpoint = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
  closed.close()
  const { lakehouse } = await houseWith(context, endpoint)
  await lakehouse.withTables(true, async (tables) => {
    await tables.write('silver.everything', rows(0, 20), { mode: 'append', shape: SHAPE })
    assert.deepEqual(
      tables.findings.map(({ check, severity }) => [check, severity]),
      [['catalog_failed', 'warning']],
    )
  })
  assert.equal(Number((await lakehouse.select('SELECT count(*) AS n FROM silver.everything'))[0]?.['n']), 20)
})
