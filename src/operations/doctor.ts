import { existsSync } from 'node:fs'
import { access, constants, rm, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { formatBytes } from '../core/format.ts'
import { LAKE_MARKER } from '../lake/layout.ts'
import { DuckDBSession } from '../platform/duckdb/session.ts'
import { DEFAULT_SOURCE } from '../sources/registry.ts'
import { makeScratch } from '../storage/scratch.ts'
import { type OperationContext, operation } from './contract.ts'
import { place } from './schemas.ts'
import { archiveAt, selectionFields } from './selection.ts'

const check = z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string(), remedy: z.string() })

type Check = z.infer<typeof check>

const LEAST_FREE_BYTES = 1e9

export const doctor = operation({
  id: 'doctor',
  summary: 'Check the environment and say what mends it',
  permission: 'read',
  input: z.strictObject({
    archive: selectionFields.archive,
    store: place('write', 'a store to try with tiny objects that are removed again').optional(),
  }),
  result: z.strictObject({ items: z.array(check) }),
  example: {},
  run: async (context, input) => {
    const items = [
      checkRuntime(),
      await attempt('configuration', 'crypto-lakehouse init', async () => `file: ${context.loaded().file ?? 'none (defaults)'}`),
      await attempt('engine', 'npm install', tryEngine),
      await attempt('lake', 'crypto-lakehouse ingest klines …, or --lake DIR', () => tryLake(context)),
      await attempt('disk', 'free at least 1 GB', () => tryDisk(context)),
      await attempt('archive', 'check the network, or name another with --archive', () => tryArchive(context, input.archive)),
      ...(input.store === undefined ? [] : await checkStore(context, input.store)),
    ]
    return { status: items.every(({ ok }) => ok) ? 'done' : 'done_with_findings', counts: {}, result: { items } }
  },
})

async function attempt(name: string, remedy: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await work(), remedy }
  } catch (error) {
    return { name, ok: false, detail: asLakehouseError(error).message, remedy }
  }
}

function checkRuntime(): Check {
  const ok = Number(process.versions.node.split('.')[0]) >= 24
  const detail = `Node ${process.version}, ${availableParallelism()} cores, ${formatBytes(totalmem())} of memory`
  return { name: 'runtime', ok, detail, remedy: 'npm install --global node@24' }
}

async function tryEngine(): Promise<string> {
  const scratch = await makeScratch()
  const session = await DuckDBSession.open({ threads: 1, memoryLimitMb: 64, temporaryDirectory: scratch })
  try {
    const [row] = await session.rows('SELECT version() AS version')
    return `DuckDB ${String(row?.['version'])}`
  } finally {
    session.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function tryLake(context: OperationContext): Promise<string> {
  const directory = localDirectory(context.loaded().config.lake)
  if (directory !== undefined && !existsSync(join(directory, LAKE_MARKER))) {
    await access(nearestExisting(directory), constants.W_OK)
    return `${directory} (none yet, it can be made)`
  }
  const { lake: found } = await (await context.lakehouse()).status()
  if (directory !== undefined) await access(directory, constants.W_OK)
  return found
}

async function tryDisk(context: OperationContext): Promise<string> {
  const { lake, cache } = context.loaded().config
  const { bavail, bsize } = await statfs(nearestExisting(localDirectory(lake) ?? cache.directory))
  const free = `${formatBytes(bavail * bsize)} free`
  if (bavail * bsize < LEAST_FREE_BYTES) throw new LakehouseError('DISK_FULL', `only ${free}`)
  return free
}

/** The directory of a lake that lies in one. */
function localDirectory(address: string): string | undefined {
  if (address.startsWith('file://')) return fileURLToPath(address)
  return address.includes(':') ? undefined : resolve(address)
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
}

async function tryArchive(context: OperationContext, archive: string | undefined): Promise<string> {
  const lakehouse = await context.lakehouse((config) => {
    const chosen = archiveAt(archive)(config)
    return { ...chosen, archive: { ...chosen.archive, attempts: 1, idleTimeoutMs: 5000 } }
  })
  return await lakehouse.withArchive(DEFAULT_SOURCE.id, async ({ source, origin }) => {
    const markets = await origin.folders(source.archive.root)
    return `${origin.address} (${markets.join(', ')})`
  })
}

/** A capability that is lacking is no fault: another way is taken. A store that cannot be written to is one. */
async function checkStore(context: OperationContext, address: string): Promise<Check[]> {
  try {
    const found = await (await context.transfers()).probe(address)
    return found.map(({ name, supported, detail }) => ({ name, ok: true, detail: `${supported ? 'yes' : 'no'}: ${detail}`, remedy: '' }))
  } catch (error) {
    const remedy = 'check the address, the credentials and the rights on the bucket'
    return [{ name: 'store', ok: false, detail: asLakehouseError(error).message, remedy }]
  }
}
