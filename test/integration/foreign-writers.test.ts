import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { DUCKDB2_PYTHON, READERS_PYTHON } from '../../scripts/readers.ts'
import { startCatalog } from '../support/catalog.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { FIELDS, rows, SPECS } from '../support/everything.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

const run = promisify(execFile)

/** One digest of a table's rows in any order, by the same SQL in every engine. */
const digest = (columns: readonly string[], source: string) =>
  `SELECT count(*)::INT AS n, md5(string_agg(line, chr(10) ORDER BY line)) AS content FROM (SELECT concat_ws('|', ${columns.map((name) => `coalesce("${name}"::VARCHAR, '∅')`).join(', ')}) AS line FROM ${source})`

type Seen = { columns: string[]; n: number; content: string; step: string }

/** pyiceberg makes a table with a column of every type, and changes its columns and partitions between writes. After each step it digests what it reads itself. */
const PYICEBERG = `
import datetime as dt, decimal, duckdb, json, sys
import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, MonthTransform
from pyiceberg.types import *
catalog = RestCatalog('own', uri=sys.argv[1])
fields = [('id', LongType()), ('symbol', StringType()), ('ts', TimestamptzType()), ('local', TimestampType()), ('day', DateType()), ('flag', BooleanType()),
  ('small', IntegerType()), ('ratio', FloatType()), ('price', DoubleType()), ('amount', DecimalType(18, 4))]
schema = Schema(*[NestedField(i + 1, name, kind) for i, (name, kind) in enumerate(fields)])
table = catalog.create_table('silver.evolved', schema, partition_spec=PartitionSpec(PartitionField(3, 1000, MonthTransform(), 'ts_month')))
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
seen = []
def batch(first, last):
    utc = dt.timezone.utc
    rows = []
    for n in range(first, last):
        row = {'id': n, 'symbol': None if n % 7 == 0 else ['BTCUSDT', 'ETHUSDT', 'é币'][n % 3], 'ts': dt.datetime(2023, 12, 20, tzinfo=utc) + dt.timedelta(hours=n * 17),
          'local': None if n % 5 == 0 else dt.datetime(2023, 12, 20, 12, 0, 0, 1) + dt.timedelta(days=n), 'day': dt.date(2024, 1, 1) + dt.timedelta(days=n % 5),
          'flag': [True, False, None][n % 3], 'small': n % 100, 'ratio': n / 2, 'price': float('nan') if n % 11 == 0 else n / 8, 'amount': decimal.Decimal(n * 125) / 100}
        row.update({'pair': row['symbol'], 'wide': 2 ** 40 + n, 'note': None if n % 2 else f'n{n}'})
        rows.append(row)
    return rows
def add(first, last, step):
    global table
    table = catalog.load_table('silver.evolved')
    arrow = table.schema().as_arrow()
    table.append(pa.Table.from_pylist([{name: row.get('wide' if name == 'small' and pa.types.is_int64(arrow.field(name).type) else name) for name in arrow.names} for row in batch(first, last)], schema=arrow))
    look(step)
def look(step):
    held = catalog.load_table('silver.evolved').scan().to_arrow()
    con.register('held', held)
    line = ', '.join(f'''coalesce("{name}"::VARCHAR, '∅')''' for name in held.column_names)
    n, content = con.sql(f"SELECT count(*), md5(string_agg(line, chr(10) ORDER BY line)) FROM (SELECT concat_ws('|', {line}) AS line FROM held)").fetchone()
    seen.append({'columns': held.column_names, 'n': n, 'content': content, 'step': step})
    print(json.dumps(seen[-1]), flush=True)
    sys.stdin.readline()
add(0, 40, 'every type')
with table.update_schema() as update:
    update.rename_column('symbol', 'pair')
    update.update_column('small', LongType())
    update.delete_column('local')
    update.add_column('note', StringType())
    update.move_first('note')
add(40, 60, 'columns renamed, widened, dropped, added and moved')
with table.update_spec() as update:
    update.add_field('pair', BucketTransform(4), 'pair_bucket')
add(60, 80, 'another partition field')
table = catalog.load_table('silver.evolved')
with table.update_spec() as update:
    update.remove_field('ts_month')
    update.add_field('day', IdentityTransform(), 'day_identity')
add(80, 100, 'partition fields removed and added')
catalog.load_table('silver.evolved').delete("id >= 30 and id < 50")
look('rows deleted')
`

test('a table of pyiceberg with every type is read as pyiceberg reads it, through every change of columns and partitions', async (context) => {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  const lakehouse = openLakehouse({ lake, archive: lake })
  const catalog = await startCatalog(lakehouse)
  const child = execFile(READERS_PYTHON, ['-c', PYICEBERG, catalog.url], { maxBuffer: 1 << 24 })
  let error = ''
  child.stderr?.on('data', (text) => {
    error += String(text)
  })
  const steps: string[] = []
  try {
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      const seen = JSON.parse(line) as Seen
      const [ours] = await lakehouse.select(digest(seen.columns, 'silver.evolved'))
      assert.deepEqual(ours, { n: seen.n, content: seen.content }, seen.step)
      assert.deepEqual(await lakehouse.withTables(false, (tables) => tables.check('silver.evolved')), [], seen.step)
      steps.push(seen.step)
      child.stdin?.write('\n')
    }
  } finally {
    child.kill()
    await catalog.close()
  }
  assert.equal(steps.length, 5, error)
})

/** DuckDB's extension makes a table through the catalog, and digests what it reads itself. */
const DUCKDB = `
import duckdb, importlib.util, json, pathlib, sys
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
for name in ('avro', 'httpfs', 'iceberg'):
    folder = pathlib.Path(importlib.util.find_spec('duckdb_extension_' + name).origin).parent
    con.load_extension(str(next(folder.rglob(name + '.duckdb_extension'))))
con.execute(f"ATTACH '' AS own (TYPE iceberg, ENDPOINT '{sys.argv[1]}', AUTHORIZATION_TYPE 'none')")
con.execute("CREATE TABLE own.silver.by_duckdb (id BIGINT, symbol VARCHAR, ts TIMESTAMPTZ, local TIMESTAMP, day DATE, flag BOOLEAN, small INTEGER, ratio FLOAT, price DOUBLE, amount DECIMAL(18, 4))")
for rows in sys.argv[2:4]:
    con.execute("INSERT INTO own.silver.by_duckdb " + rows)
n, content = con.sql(sys.argv[4]).fetchone()
print(json.dumps({'n': n, 'content': content}))
`

test('a table of DuckDB with every type is read as DuckDB reads it', async (context) => {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  const lakehouse = openLakehouse({ lake, archive: lake })
  const catalog = await startCatalog(lakehouse)
  const columns = FIELDS.map(({ name }) => name)
  try {
    const args = ['-c', DUCKDB, catalog.url, rows(0, 50), rows(50, 90), digest(columns, 'own.silver.by_duckdb')]
    const { stdout } = await run(READERS_PYTHON, args)
    const [ours] = await lakehouse.select(digest(columns, 'silver.by_duckdb'))
    assert.deepEqual(ours, JSON.parse(stdout))
    assert.equal(ours?.['n'], 90)
  } finally {
    await catalog.close()
  }
})

/** DuckDB 2 does not have the extension yet, so it reads the data files themselves. */
const DUCKDB2 = `
import duckdb, json, sys
assert duckdb.__version__.startswith('2.'), duckdb.__version__
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
n, content = con.sql(sys.argv[1]).fetchall()[0]
print(json.dumps({'n': n, 'content': content}))
`

test('DuckDB 2 reads the data files of every partitioning as we do', async (context) => {
  const lake = await temporaryFolder(context)
  await emptyLake(lake)
  const lakehouse = openLakehouse({ lake, archive: lake })
  const columns = FIELDS.map(({ name }) => name)
  for (const [index, partition] of Object.values(SPECS).entries()) {
    const name = `silver.table_${index}`
    const files = await lakehouse.withTables(true, async (tables) => {
      await tables.write(name, rows(0, 200), { mode: 'append', shape: { fields: FIELDS, partition, sort: ['symbol', 'ts'] } })
      return await tables.files(name)
    })
    const paths = files.map(({ path }) => `'${path.replace('file://', '')}'`)
    const { stdout } = await run(DUCKDB2_PYTHON, [
      '-c',
      DUCKDB2,
      digest(columns, `read_parquet([${paths.join(', ')}], hive_partitioning = false)`),
    ])
    assert.deepEqual((await lakehouse.select(digest(columns, name)))[0], JSON.parse(stdout), join(name, Object.keys(SPECS)[index] ?? ''))
  }
})
