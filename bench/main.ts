// Measures our code against real peers in the same run: npm run bench -- NAME
import { mkdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { benchDecode } from './decode.ts'
import { benchGold } from './gold.ts'
import { preparePeers } from './python.ts'
import { benchSilver } from './silver.ts'
import { benchStartup } from './startup.ts'
import { benchTables } from './tables.ts'
import { benchTransfer } from './transfer.ts'

const BENCHES: Readonly<Record<string, (cache: string, only?: string) => Promise<void>>> = {
  decode: benchDecode,
  gold: benchGold,
  silver: benchSilver,
  startup: benchStartup,
  tables: benchTables,
  transfer: benchTransfer,
}

const bench = BENCHES[process.argv[2] ?? '']
if (bench === undefined) {
  process.stderr.write(`unknown benchmark: run npm run bench -- ${Object.keys(BENCHES).join('|')}\n`)
  process.exitCode = 2
} else {
  const cache = join(import.meta.dirname, '..', '.cache', 'bench')
  await mkdir(cache, { recursive: true })
  await preparePeers()
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`)
  await bench(cache, process.argv[3])
}
