// One measured run of ours in a process of its own: ARCHIVE LAKE silver|ingest. The lake of a silver run holds the bronze objects already.
import module from 'node:module'
import { configSchema } from '../src/config/schema.ts'
import type { Layer } from '../src/lake/layout.ts'
import { Lakehouse } from '../src/lakehouse.ts'

module.enableCompileCache() // as the command line does
const [archive = '', lake = '', what = 'silver'] = process.argv.slice(2)
const config = configSchema.parse({ lake, archive: { origin: archive } })
const house = new Lakehouse(config, { nowMs: Date.now, random: Math.random, signal: new AbortController().signal })
const layers: Layer[] = what === 'silver' ? ['silver'] : what === 'bronze' ? ['bronze'] : ['bronze', 'silver']
const request = { types: ['klines' as const], markets: [], symbols: [], intervals: [], range: undefined, layers: new Set(layers) }
const { counts } = await house.ingest({ ...request, onProgress: () => {}, onNotice: () => {} })
const { user, system } = process.cpuUsage()
const peakRssBytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, peakRssBytes, rows: counts.rowsWritten, csvBytes: counts.csvBytes }))
