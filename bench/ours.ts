// One measured run of our code in its own process: ARCHIVE LAKE bronze|silver|ingest|rules|quality.
// For silver, the lake must hold the bronze objects; for rules (row rules only) and quality, it must hold the tables.
import module from 'node:module'
import { tmpdir } from 'node:os'
import { configSchema } from '../src/config/schema.ts'
import { DATASET_IDS } from '../src/datasets/registry.ts'
import { loadTable } from '../src/lake/iceberg/table.ts'
import { type Layer, tableKey } from '../src/lake/layout.ts'
import { filesByPartition } from '../src/lake/tables/commit-queue.ts'
import { listTables } from '../src/lake/tables/list-tables.ts'
import { scanSql } from '../src/lake/tables/scan-sql.ts'
import { Lakehouse } from '../src/lakehouse/lakehouse.ts'
import { Relation } from '../src/platform/duckdb/relation.ts'
import { DuckDBSession } from '../src/platform/duckdb/session.ts'
import { CheckRun } from '../src/silver/quality/checks/run-checks.ts'
import { FOUND_TYPES } from '../src/silver/quality/found.ts'
import { seriesOf } from '../src/sources/series.ts'
import { localStore } from '../src/storage/local.ts'

module.enableCompileCache() // like the command line
const [archive = '', lake = '', what = 'silver'] = process.argv.slice(2)
const config = configSchema.parse({ lake, archive: { origin: archive } })
const lakehouse = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
const layers: Layer[] = what === 'silver' ? ['silver'] : what === 'bronze' ? ['bronze'] : ['bronze', 'silver']
const request = { types: DATASET_IDS, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(layers) }
async function work() {
  if (what === 'rules') return { rowsWritten: await judgeRows(), csvBytes: 0 }
  if (what !== 'quality') return (await lakehouse.ingest({ ...request, onProgress: () => {}, onNotice: () => {} })).counts
  const assessed = await lakehouse.withQuality(true, (quality) => quality.assess([]))
  return { rowsWritten: assessed.reduce((sum, { rows }) => sum + rows, 0), csvBytes: 0 }
}

/** Checks every silver table against the row rules. Returns the number of rows. */
async function judgeRows(): Promise<number> {
  const store = localStore(lake)
  const { workers: threads, memoryLimitMb } = config.engine
  const session = await DuckDBSession.open({ threads, memoryLimitMb, temporaryDirectory: tmpdir() })
  let rows = 0
  for (const name of await listTables(store, 'silver')) {
    const [series, table] = [seriesOf(name), await loadTable(store, tableKey('silver', name))]
    if (series === undefined || table === undefined) continue
    const names = table.shape.fields.map((field) => field.name)
    const found = await Relation.empty(session, FOUND_TYPES)
    const run = await CheckRun.begin(session, series, found, { names, sql: await scanSql(session, table, table.shape, []) })
    for (const files of (await filesByPartition(table)).values()) {
      await run.add(await scanSql(session, table, table.shape, files))
      for (const file of files) rows += file.rows
    }
  }
  session.close()
  return rows
}

const counts = await work()
const { user, system } = process.cpuUsage()
const peakRssBytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, peakRssBytes, rows: counts.rowsWritten, csvBytes: counts.csvBytes }))
