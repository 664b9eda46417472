// One measured run of ours in a process of its own: ARCHIVE LAKE bronze|silver|ingest|quality. The lake of a silver run holds the bronze objects already, that of a quality run the tables.
import module from 'node:module'
import { configSchema } from '../src/config/schema.ts'
import { DATASET_IDS } from '../src/core/datasets/registry.ts'
import type { Layer } from '../src/lake/layout.ts'
import { Lakehouse } from '../src/lakehouse.ts'

module.enableCompileCache() // as the command line does
const [archive = '', lake = '', what = 'silver'] = process.argv.slice(2)
const config = configSchema.parse({ lake, archive: { origin: archive } })
const house = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
const layers: Layer[] = what === 'silver' ? ['silver'] : what === 'bronze' ? ['bronze'] : ['bronze', 'silver']
const request = { types: DATASET_IDS, markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(layers) }
async function work() {
  if (what !== 'quality') return (await house.ingest({ ...request, onProgress: () => {}, onNotice: () => {} })).counts
  const assessed = await house.withQuality(true, (quality) => quality.assess([]))
  return { rowsWritten: assessed.reduce((sum, { rows }) => sum + rows, 0), csvBytes: 0 }
}
const counts = await work()
const { user, system } = process.cpuUsage()
const peakRssBytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, peakRssBytes, rows: counts.rowsWritten, csvBytes: counts.csvBytes }))
