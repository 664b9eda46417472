// Run by scripts/spark.ts, which installs Spark: npm run test:spark
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startCatalog } from '../support/catalog.ts'
import { emptyLake } from '../support/empty-lake.ts'
import { FIELDS, rows, SPECS } from '../support/everything.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openLakehouse } from '../support/lakehouse.ts'

/**
 * Spark reads each table by the catalog and by its folder, as it is and at a tag, and writes what it read into plain Parquet, over which the engine of ours makes the same digest as over
 * our own tables; then it writes: inserts, deletes, alters, rewrites, expires, creates.
 */
const SPARK = `
import json, sys
from pyspark.sql import SparkSession
url, lake, out, names = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
spark = (SparkSession.builder.master('local[2]').config('spark.jars', sys.argv[5]).config('spark.ui.enabled', 'false')
  .config('spark.sql.session.timeZone', 'UTC').config('spark.sql.extensions', 'org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions')
  .config('spark.sql.parquet.outputTimestampType', 'TIMESTAMP_MICROS').config('spark.sql.shuffle.partitions', '2')
  .config('spark.sql.catalog.rest', 'org.apache.iceberg.spark.SparkCatalog').config('spark.sql.catalog.rest.type', 'rest').config('spark.sql.catalog.rest.uri', url)
  .config('spark.sql.catalog.folder', 'org.apache.iceberg.spark.SparkCatalog').config('spark.sql.catalog.folder.type', 'hadoop').config('spark.sql.catalog.folder.warehouse', 'file://' + lake)
  .getOrCreate())
spark.sparkContext.setLogLevel('ERROR')
jvm = spark._jvm
seen = {}
def planned(name):
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    E = jvm.org.apache.iceberg.expressions.Expressions
    scan = table.newScan().filter(E.equal('symbol', 'ETHUSDT')).filter(E.greaterThanOrEqual('ts', '2024-01-01T00:00:00+00:00'))
    tasks = scan.planFiles().iterator()
    count = 0
    while tasks.hasNext():
        tasks.next()
        count += 1
    return count
for name in names:
    spark.table('rest.silver.' + name).coalesce(1).write.parquet(f'{out}/{name}-rest')
    spark.table('folder.silver.' + name).coalesce(1).write.parquet(f'{out}/{name}-folder')
    spark.read.option('versionAsOf', 'first').table('rest.silver.' + name).coalesce(1).write.parquet(f'{out}/{name}-tag')
    seen[name] = planned('rest.silver.' + name)
target = 'rest.silver.' + names[1]
spark.sql(f"INSERT INTO {target} SELECT id + 1000, symbol, ts, local, day, flag, small, ratio, price, amount FROM {target} WHERE id < 40")
spark.sql(f"DELETE FROM {target} WHERE symbol = 'ETCUSDT'")
spark.sql(f"UPDATE {target} SET price = -1 WHERE id = 1001")
spark.sql(f"ALTER TABLE {target} ADD COLUMN note STRING")
spark.sql(f"CALL rest.system.rewrite_data_files(table => 'silver.{names[1]}', options => map('min-input-files', '2'))").collect()
spark.sql(f"CALL rest.system.rewrite_manifests('silver.{names[1]}')").collect()
spark.sql(f"CALL rest.system.expire_snapshots(table => 'silver.{names[1]}', older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 2)").collect()
seen['rows'] = spark.table(target).count()
seen['sum'] = spark.sql(f'SELECT sum(price) FROM {target}').collect()[0][0]
spark.sql("CREATE TABLE rest.gold.by_spark (id BIGINT, name STRING, at TIMESTAMP) USING iceberg PARTITIONED BY (bucket(4, id), days(at))")
spark.sql("INSERT INTO rest.gold.by_spark SELECT id, concat('n', id), TIMESTAMP '2024-01-01 00:00:00' + make_interval(0, 0, 0, CAST(id AS INT)) FROM range(50)")
spark.sql("CREATE TABLE rest.gold.as_selected USING iceberg AS SELECT id, name FROM rest.gold.by_spark WHERE id < 10")
# A table of Spark with a column of every type, whose columns and partitions change between writes.
spark.sql('''CREATE TABLE rest.silver.evolved (id BIGINT, symbol STRING, ts TIMESTAMP, local TIMESTAMP_NTZ, day DATE, flag BOOLEAN, small INT, ratio FLOAT, price DOUBLE, amount DECIMAL(18, 4))
  USING iceberg PARTITIONED BY (days(ts), symbol)''')
def add(first, last):
    wanted = spark.table('rest.silver.evolved').columns
    held = {'id': 'id', 'symbol': "CASE WHEN id % 7 = 0 THEN NULL ELSE element_at(array('BTCUSDT', 'ETHUSDT', 'é币'), CAST(1 + id % 3 AS INT)) END", 'ts': "TIMESTAMP '2023-12-20 00:00:00' + make_interval(0, 0, 0, 0, CAST(id * 17 AS INT))",
      'local': "CASE WHEN id % 5 = 0 THEN NULL ELSE TIMESTAMP_NTZ '2023-12-20 12:00:00.000001' + make_interval(0, 0, 0, CAST(id AS INT)) END", 'day': "date_add(DATE '2024-01-01', CAST(id % 5 AS INT))", 'flag': 'CASE id % 3 WHEN 0 THEN true WHEN 1 THEN false END',
      'small': 'CAST(id % 100 AS INT)', 'ratio': 'CAST(id / 2.0 AS FLOAT)', 'price': "CASE WHEN id % 11 = 0 THEN DOUBLE('NaN') ELSE id / 8.0 END", 'amount': 'CAST(id * 1.25 AS DECIMAL(18, 4))', 'note': "CASE WHEN id % 2 = 0 THEN concat('n', id) END"}
    held['pair'] = held['symbol']
    spark.sql('INSERT INTO rest.silver.evolved SELECT ' + ', '.join(f'{held[name]} AS {name}' for name in wanted) + f' FROM range({first}, {last})')
add(0, 40)
for change in ('RENAME COLUMN symbol TO pair', 'ALTER COLUMN small TYPE BIGINT', 'ALTER COLUMN ratio TYPE DOUBLE', 'ALTER COLUMN amount TYPE DECIMAL(24, 4)', 'DROP COLUMN local', 'ADD COLUMN note STRING AFTER id',
  'REPLACE PARTITION FIELD ts_day WITH months(ts)', 'ADD PARTITION FIELD bucket(4, id)'):
    spark.sql('ALTER TABLE rest.silver.evolved ' + change)
add(40, 70)
spark.sql('ALTER TABLE rest.silver.evolved DROP PARTITION FIELD pair')
add(70, 90)
spark.sql('ALTER TABLE rest.silver.evolved WRITE ORDERED BY id')
spark.sql("DELETE FROM rest.silver.evolved WHERE id BETWEEN 30 AND 50")
spark.table('rest.silver.evolved').coalesce(1).write.parquet(f'{out}/evolved')
seen['columns'] = spark.table('rest.silver.evolved').columns
print('SEEN ' + json.dumps(seen))
`

/** Spark reads tables of a lake that was moved, by its folder. */
const SPARK_MOVED = `
import json, sys
from pyspark.sql import SparkSession
lake, out, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
spark = (SparkSession.builder.master('local[2]').config('spark.jars', sys.argv[4]).config('spark.ui.enabled', 'false').config('spark.sql.session.timeZone', 'UTC')
  .config('spark.sql.parquet.outputTimestampType', 'TIMESTAMP_MICROS')
  .config('spark.sql.catalog.folder', 'org.apache.iceberg.spark.SparkCatalog').config('spark.sql.catalog.folder.type', 'hadoop').config('spark.sql.catalog.folder.warehouse', 'file://' + lake)
  .getOrCreate())
spark.sparkContext.setLogLevel('ERROR')
for name in names:
    spark.table('folder.silver.' + name).coalesce(1).write.parquet(f'{out}/{name}-moved')
`

const digest = (columns: readonly string[], source: string) =>
  `SELECT count(*) AS n, md5(string_agg(line, chr(10) ORDER BY line)) AS content FROM (SELECT concat_ws('|', ${columns.map((name) => `coalesce("${name}"::VARCHAR, '∅')`).join(', ')}) AS line FROM ${source})`

test('Spark reads our tables by catalog, by folder and after a move, plans as many files, and writes what we read', async (context) => {
  const folder = await temporaryFolder(context)
  const lake = join(folder, 'lake')
  await emptyLake(lake)
  const lakehouse = openLakehouse({ lake, archive: lake })
  const names = Object.keys(SPECS).map((_, index) => `table_${index}`)
  const columns = FIELDS.map(({ name }) => name)
  await lakehouse.withTables(true, async (tables) => {
    for (const [index, partition] of Object.values(SPECS).entries()) {
      const name = `silver.table_${index}`
      await tables.write(name, rows(0, 100), { mode: 'append', shape: { fields: FIELDS, partition, sort: ['symbol', 'ts'] } })
      await tables.tag(name, 'first', undefined)
      await tables.write(name, rows(0, 200, 'n * 3'), { mode: 'overwrite' })
      for (let n = 200; n < 230; n += 6) await tables.write(name, rows(n, n + 6), { mode: 'append' })
      await tables.compact(name)
    }
  })
  const ours = new Map<string, unknown>()
  const files = new Map<string, number>()
  for (const name of names) {
    ours.set(`${name}-rest`, await lakehouse.select(digest(columns, `silver.${name}`)))
    ours.set(`${name}-folder`, ours.get(`${name}-rest`))
    ours.set(`${name}-tag`, await lakehouse.select(digest(columns, `silver.${name}`), { tag: 'first' }))
    const plan = await lakehouse.explain(`SELECT * FROM silver.${name} WHERE symbol = 'ETHUSDT' AND ts >= '2024-01-01'`, undefined)
    files.set(name, plan[0]?.filesRead ?? -1)
  }
  const catalog = await startCatalog(lakehouse)
  const out = join(folder, 'out')
  const { SPARK_PYTHON = 'python3', SPARK_JAR = '' } = process.env
  const args = ['-c', SPARK, catalog.url, lake, out, JSON.stringify(names), SPARK_JAR]
  const { stdout } = await promisify(execFile)(SPARK_PYTHON, args, { encoding: 'utf8', maxBuffer: 1 << 26 }).finally(catalog.close)
  const seen = JSON.parse(/^SEEN (.*)$/m.exec(stdout)?.[1] ?? '{}') as Record<string, number>
  // What Spark read, digested by the same engine as ours.
  const { DuckDBSession, quote } = await import('../../src/platform/duckdb/session.ts')
  const session = await DuckDBSession.open({ threads: 2, memoryLimitMb: 500, temporaryDirectory: folder })
  for (const [name, expected] of ours) {
    const found = await session.rows(digest(columns, `read_parquet(${quote(`${out}/${name}/*.parquet`)})`))
    assert.deepEqual(found, expected, name)
  }
  const evolved = seen['columns'] as unknown as string[]
  assert.deepEqual(
    await lakehouse.select(digest(evolved, 'silver.evolved')),
    await session.rows(digest(evolved, `read_parquet(${quote(`${out}/evolved/*.parquet`)})`)),
    'evolved',
  )
  // The lake moves to another folder, where Spark reads it after `lake relocate`.
  const moved = join(folder, 'moved')
  await cp(lake, moved, { recursive: true })
  const there = openLakehouse({ lake: moved, archive: lake })
  await there.withTables(true, (tables) => tables.relocate())
  const unchanged = names.filter((name) => name !== 'table_1')
  await promisify(execFile)(SPARK_PYTHON, ['-c', SPARK_MOVED, moved, out, JSON.stringify(unchanged), SPARK_JAR], { maxBuffer: 1 << 26 })
  for (const name of unchanged) {
    const found = await session.rows(digest(columns, `read_parquet(${quote(`${out}/${name}-moved/*.parquet`)})`))
    assert.deepEqual(found, ours.get(`${name}-rest`), `${name} in the moved lake`)
    assert.deepEqual(await there.select(digest(columns, `silver.${name}`)), ours.get(`${name}-rest`))
  }
  session.close()
  for (const name of names) assert.equal(seen[name], files.get(name), `files planned of ${name}`)
  const [own] = await lakehouse.select('SELECT count(*) AS n, sum(price) AS price, count(note) AS notes FROM silver.table_1')
  assert.deepEqual([Number(own?.['n']), Number(own?.['notes'])], [seen['rows'], 0])
  assert.ok(Math.abs(Number(own?.['price']) / (seen['sum'] ?? 0) - 1) < 1e-12)
  assert.deepEqual(
    (await lakehouse.select('SELECT count(*)::INTEGER AS n, count(DISTINCT name)::INTEGER AS names FROM gold.by_spark'))[0],
    {
      n: 50,
      names: 50,
    },
  )
  assert.equal(Number((await lakehouse.select('SELECT sum(id)::INTEGER AS n FROM gold.as_selected'))[0]?.['n']), 45)
  await lakehouse.withTables(true, async (tables) => {
    await tables.write('silver.table_1', `SELECT *, 'ours again' AS note FROM (${rows(500, 520)})`, { mode: 'append' })
    assert.deepEqual(await tables.check(undefined), [])
  })
  process.stdout.write(`tables ${names.length}, states ${ours.size}, files planned alike, rows after Spark wrote ${seen['rows']}\n`)
})
