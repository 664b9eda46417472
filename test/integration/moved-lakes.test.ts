import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import { loadTable, metadataKey } from '../../src/lake/iceberg/table.ts'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { smallArchive } from '../support/archives.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ingestKlines, openLakehouse } from '../support/lakehouse.ts'
import { openS3, ROOT, type S3Server, startVersity, useRootKeys } from '../support/s3-server.ts'
import { runSync, stateFor } from '../support/transfers.ts'

const run = promisify(execFile)
const TABLES = ['silver.binance_spot_klines_1m', 'gold.binance_spot_bars_1h']

let server: S3Server
before(async () => {
  server = await startVersity()
  useRootKeys()
})
after(() => server.close())

/** Rows and the sum of a column, through pyiceberg. */
const PYICEBERG = `
import json, sys
import pyarrow.compute as pc
from pyiceberg.table import StaticTable
out = []
for metadata in json.loads(sys.argv[1]):
    rows = StaticTable.from_metadata(metadata, json.loads(sys.argv[2])).scan().to_arrow()
    out.append([rows.num_rows, pc.sum(rows['close']).as_py()])
print(json.dumps(out))
`

async function byPyiceberg(address: string, settings: Record<string, string> = {}): Promise<unknown> {
  const place = openS3(address)
  const metadata: string[] = []
  for (const name of TABLES) {
    const root = name.replace('.', '/')
    const table = (await loadTable(place.store, root)) ?? assert.fail(name)
    metadata.push(`${place.store.url}/${metadataKey(root, table.version)}`)
  }
  place.close()
  return JSON.parse((await run(READERS_PYTHON, ['-c', PYICEBERG, JSON.stringify(metadata), JSON.stringify(settings)])).stdout)
}

async function byUs(lakehouse: Lakehouse): Promise<unknown> {
  const out: unknown[] = []
  for (const name of TABLES) {
    const [row] = await lakehouse.select(`SELECT count(*)::INT AS n, sum(close) AS s FROM ${name}`)
    out.push([row?.['n'], Number(row?.['s'])])
  }
  return out
}

function near(found: unknown, expected: unknown): void {
  const [one, other] = [found, expected].map((rows) => (rows as [number, number][]).map(([n, s]) => [n, Math.round(s * 1e4) / 1e4]))
  assert.deepEqual(one, other)
}

test('a lake goes to another folder, into a bucket, and to a mirror: ours reads it at once, pyiceberg after `lake relocate`, and it goes on there', async (context) => {
  const folder = await temporaryFolder(context)
  const [lake, archive] = [join(folder, 'lake'), join(folder, 'archive')]
  await smallArchive(archive, { days: 3, symbols: ['BTCUSDT'] })
  const first = openLakehouse({ lake, archive })
  await ingestKlines(first)
  const expected = await byUs(first)
  near(await byPyiceberg(lake), expected)
  const cache = { directory: join(folder, 'cache') }
  const bucket = (await server.bucket('moved')).replace('?', '/a/lake?')
  const endpoint = new URL(bucket.replace('s3:', 'http:')).searchParams.get('endpoint') ?? ''
  const s3 = {
    's3.endpoint': endpoint,
    's3.access-key-id': ROOT.accessKeyId,
    's3.secret-access-key': ROOT.secretAccessKey,
    's3.region': 'us-east-1',
  }
  const steps: readonly (readonly [address: string, settings: Record<string, string>, move: (to: string) => Promise<unknown>])[] = [
    [join(folder, 'elsewhere'), {}, (to) => cp(lake, to, { recursive: true })],
    [bucket, s3, async (to) => runSync(join(folder, 'elsewhere'), to, { state: await stateFor(context) })],
    [join(folder, 'mirror'), {}, async (to) => runSync(bucket, to, { state: await stateFor(context) })],
  ]
  for (const [address, settings, move] of steps) {
    await move(address)
    // What was there before must not help.
    await rm(lake, { recursive: true, force: true })
    const there = openLakehouse({ lake: address, archive, cache })
    near(await byUs(there), expected)
    const moved = await there.withTables(true, (tables) => tables.relocate())
    assert.ok(moved.every(({ snapshots }) => snapshots > 0))
    near(await byPyiceberg(address, settings), expected)
    assert.deepEqual(
      (await there.withTables(false, (tables) => tables.check(undefined, { deep: true }))).filter(({ check }) => check !== 'no_digest'),
      [],
    )
    assert.equal((await ingestKlines(there)).counts.partitionsWritten, 0)
  }
  // In the last place, it takes the next day.
  await smallArchive(archive, { days: 4, symbols: ['BTCUSDT'] })
  const last = openLakehouse({ lake: join(folder, 'mirror'), archive })
  assert.equal((await ingestKlines(last)).counts.filesFetched, 1)
  near(await byPyiceberg(join(folder, 'mirror')), await byUs(last))
})
