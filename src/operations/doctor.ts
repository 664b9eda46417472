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
  summary: 'Check the environment and say how to fix each problem',
  permission: 'read',
  input: z.strictObject({
    archive: selectionFields.archive,
    store: place('write', 'a store to test; the test writes small objects and removes them').optional(),
  }),
  result: z.strictObject({ items: z.array(check) }),
  example: {},
  run: async (context, input) => {
    const items = [
      checkRuntime(),
      await attempt('configuration', 'run crypto-lakehouse init', async () => `file: ${context.loaded().file ?? 'none (defaults)'}`),
      await attempt('engine', 'run npm install', tryEngine),
      await attempt('lake', 'run crypto-lakehouse ingest klines …, or name the lake with --lake DIR', () => tryLake(context)),
      await attempt('disk', 'free at least 1 GB', () => tryDisk(context)),
      await attempt('archive', 'check the network, or name another archive with --archive', () => tryArchive(context, input.archive)),
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
  return { name: 'runtime', ok, detail, remedy: 'run npm install --global node@24' }
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
    return `${directory} (no lake yet; the first ingestion creates it)`
  }
  const { lake: found, findings } = await (await context.lakehouse()).status()
  if (directory !== undefined) await access(directory, constants.W_OK)
  return [found, ...findings.map(({ explanation }) => explanation)].join('; ')
}

async function tryDisk(context: OperationContext): Promise<string> {
  const { lake, cache } = context.loaded().config
  const { bavail, bsize } = await statfs(nearestExisting(localDirectory(lake) ?? cache.directory))
  const free = `${formatBytes(bavail * bsize)} free`
  if (bavail * bsize < LEAST_FREE_BYTES) throw new LakehouseError('DISK_FULL', `the disk of the lake has only ${free}: free at least 1 GB`)
  return free
}

/** The directory of a lake, or undefined when the lake is not on the local disk. */
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

/** A missing capability is not a problem, because transfers take another way. A store that cannot be written to is a problem. */
async function checkStore(context: OperationContext, address: string): Promise<Check[]> {
  try {
    const found = await (await context.transfers()).probe(address)
    return found.map(({ name, supported, detail }) => ({ name, ok: true, detail: `${supported ? 'yes' : 'no'}: ${detail}`, remedy: '' }))
  } catch (error) {
    const remedy = 'check the address, the credentials and the permissions on the bucket'
    return [{ name: 'store', ok: false, detail: asLakehouseError(error).message, remedy }]
  }
}
