import { existsSync } from 'node:fs'
import { access, constants, rm, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asLakehouseError } from '../../core/errors.ts'
import { LAKE_MARKER } from '../../lake/layout.ts'
import { DuckDBSession } from '../../platform/duckdb/session.ts'
import { DEFAULT_SOURCE } from '../../sources/registry.ts'
import { makeScratch } from '../../storage/scratch.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { formatBytes } from '../format.ts'
import { SELECTION_OPTIONS } from '../selection.ts'

export const doctor: Command = {
  summary: 'Check the environment and say what mends it',
  usage: '[OPTIONS]',
  options: {
    archive: SELECTION_OPTIONS.archive,
    store: {
      type: 'string',
      value: 'PLACE',
      help: 'try what transfers and tables need of a store, with tiny objects that are removed again',
    },
  },
  run,
}

type Check = { readonly name: string; readonly ok: boolean; readonly detail: string; readonly remedy: string }

async function run(context: CommandContext): Promise<CommandResult> {
  const checks = [
    node(),
    await configuration(context),
    await engine(),
    await lake(context),
    await disk(context),
    await archive(context),
    ...(await store(context)),
  ]
  if (!context.json) {
    for (const { name, ok, detail, remedy } of checks)
      context.out(`${ok ? 'ok     ' : 'MISSING'}  ${name.padEnd(14)} ${detail}${ok ? '' : `\n         mend it: ${remedy}`}\n`)
  }
  return { status: checks.every(({ ok }) => ok) ? 'done' : 'done_with_findings', body: { items: checks } }
}

function node(): Check {
  const ok = Number(process.versions.node.split('.')[0]) >= 24
  const detail = `Node ${process.version}, ${availableParallelism()} cores, ${formatBytes(totalmem())} of memory`
  return { name: 'runtime', ok, detail, remedy: 'npm install --global node@24' }
}

async function configuration(context: CommandContext): Promise<Check> {
  return await attempt('configuration', 'crypto-lakehouse init', async () => `file: ${context.loaded().file ?? 'none (defaults)'}`)
}

async function engine(): Promise<Check> {
  return await attempt('engine', 'npm install', async () => {
    const scratch = await makeScratch()
    const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: 64, temporaryDirectory: scratch })
    try {
      const [row] = await session.rows('SELECT version() AS version')
      return `DuckDB ${String(row?.['version'])}`
    } finally {
      session.close()
      await rm(scratch, { recursive: true, force: true })
    }
  })
}

async function lake(context: CommandContext): Promise<Check> {
  return await attempt('lake', 'crypto-lakehouse ingest klines …, or --lake DIR', async () => {
    const address = context.loaded().config.lake
    const directory = localDirectory(address)
    if (directory !== undefined && !existsSync(join(directory, LAKE_MARKER))) {
      await access(nearestExisting(directory), constants.W_OK)
      return `${directory} (none yet, it can be made)`
    }
    const { lake: found } = await (await context.open()).status()
    if (directory !== undefined) await access(directory, constants.W_OK)
    return found
  })
}

const LEAST_FREE_BYTES = 1e9

async function disk(context: CommandContext): Promise<Check> {
  return await attempt('disk', 'free at least 1 GB', async () => {
    const { bavail, bsize } = await statfs(
      nearestExisting(localDirectory(context.loaded().config.lake) ?? context.loaded().config.cache.directory),
    )
    if (bavail * bsize < LEAST_FREE_BYTES) throw new Error(`only ${formatBytes(bavail * bsize)} free`)
    return `${formatBytes(bavail * bsize)} free`
  })
}

/** The directory of a lake that lies in one. */
function localDirectory(address: string): string | undefined {
  if (address.startsWith('file://')) return fileURLToPath(address)
  return address.includes(':') ? undefined : resolve(address)
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
}

async function archive(context: CommandContext): Promise<Check> {
  return await attempt('archive', 'check the network, or name another with --archive', async () => {
    const house = await context.open((config) => ({ ...config, archive: { ...config.archive, attempts: 1, idleTimeoutMs: 5000 } }))
    return await house.withArchive(DEFAULT_SOURCE.id, async ({ source, origin }) => {
      const markets = await origin.folders(source.archive.root)
      return `${origin.address} (${markets.join(', ')})`
    })
  })
}

/** A capability that is lacking is no fault: another way is taken. A store that cannot be written to is one. */
async function store(context: CommandContext): Promise<Check[]> {
  const address = text(context.values, 'store')
  if (address === undefined) return []
  const remedy = 'check the address, the credentials and the rights on the bucket'
  try {
    const found = await (await context.transfers()).probe(address)
    return found.map(({ name, supported, detail }) => ({ name, ok: true, detail: `${supported ? 'yes' : 'no'}: ${detail}`, remedy: '' }))
  } catch (error) {
    return [{ name: 'store', ok: false, detail: asLakehouseError(error).message, remedy }]
  }
}

async function attempt(name: string, remedy: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await work(), remedy }
  } catch (error) {
    return { name, ok: false, detail: asLakehouseError(error).message, remedy }
  }
}
