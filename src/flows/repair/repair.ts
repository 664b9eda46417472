import * as z from 'zod'
import { foldIntoTable } from '../../bronze/objects-table.ts'
import { asLakehouseError } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import { INTERVAL_IDS } from '../../core/interval.ts'
import { DATASET_IDS } from '../../datasets/registry.ts'
import { restore } from '../../lake/backup/backup.ts'
import { publishHint } from '../../lake/iceberg/commit.ts'
import { loadTable } from '../../lake/iceberg/table.ts'
import { type Damage, describeDamage, severityOf } from '../../lake/integrity/damage.ts'
import { findDamage } from '../../lake/integrity/find-damage.ts'
import type { Lake } from '../../lake/lake.ts'
import { bronzeKey, damagedKey } from '../../lake/layout.ts'
import { unlessUnreadable } from '../../lake/tables/unreadable.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import { SOURCES } from '../../sources/registry.ts'
import { seriesOf, silverTableName } from '../../sources/series.ts'
import { buildSilver } from '../bulk-ingestion/build.ts'
import { deriveGold } from '../bulk-ingestion/derive.ts'
import { fetchAgain } from '../bulk-ingestion/fetch-again.ts'
import { selectHeld } from '../bulk-ingestion/plan.ts'
import { type IngestProgress, IngestReport } from '../bulk-ingestion/report.ts'
import type { IngestRequest } from '../bulk-ingestion/request.ts'
import type { Flow, FlowContext } from '../contract.ts'
import { bringFrom, bringSegments, type Copies, openCopies } from './copies.ts'

const repairRequest = z.strictObject({
  from: z.string().optional().describe('address of a backup, or of a copy of the lake'),
  dryRun: z.boolean().describe('only finds what is damaged'),
  barIntervals: z.array(z.enum(INTERVAL_IDS)).readonly().describe('bars that gold makes'),
  now: z.number().int().describe('µs'),
})

type RepairRequest = z.output<typeof repairRequest>

/** A damaged file, and what became of it. `source` says where the right content came from. */
type RepairItem = Pick<Damage, 'key' | 'kind' | 'table' | 'problem'> & {
  readonly outcome: 'repaired' | 'lost' | 'found'
  readonly source: Source | null
}

type Source = 'copy' | 'archive' | 'bronze' | 'silver' | 'ledger' | 'table' | 'not needed'

export type RepairResult = { readonly items: readonly RepairItem[]; readonly findings: readonly Finding[] }

/** Finds every damaged file of the lake, sets it aside, and makes it again from what is whole. */
export const repair = {
  id: 'repair',
  displayName: 'Repair',
  aliases: [],
  meaning: 'Finds damaged files, sets them aside, and makes them again from a copy, the archive, bronze or silver',
  input: repairRequest,
  steps: ['search', 'copy', 'set-aside', 'fetch', 'build', 'search-again'],
  run,
} as const satisfies Flow<typeof repairRequest, RepairResult, IngestProgress>

async function run(
  context: FlowContext<IngestProgress>,
  request: Omit<RepairRequest, 'from'> & { from?: string | undefined },
): Promise<RepairResult> {
  const { lake } = context
  const { damages } = await findDamage(lake, undefined)
  if (request.dryRun || damages.length === 0) return result(damages, damages, new Map())
  const copies = request.from === undefined ? undefined : await openCopies(await context.store(request.from))
  const sources = new Map<string, Source>()
  for (const damage of damages) {
    lake.signal.throwIfAborted()
    const source = copies !== undefined && (await bringFrom(copies, lake.store, damage)) ? 'copy' : await prepare(lake, damage)
    if (source !== undefined) sources.set(damage.key, source)
  }
  if (copies !== undefined) await bringBack(lake, copies, damages, sources)
  const side = [...(await fetchMissing(context, damages, request.now)), ...(await rebuild(context, damages, request))]
  await mendTables(lake, damages)
  const after = await findDamage(lake, undefined)
  const { items, findings } = result(damages, after.damages, sources)
  return { items, findings: [...findings, ...side, ...lake.findings] }
}

/** Sets a damaged file aside, so that it is made again. Returns its source, or undefined if only a copy can replace it. */
async function prepare({ store }: Lake, damage: Damage): Promise<Source | undefined> {
  const { key, kind, problem, isCurrent, object, published } = damage
  switch (kind) {
    case 'version hint':
    case 'table card':
      return 'table'
    case 'checksum file':
      await store.put(key, Buffer.from(`${published}  ${object?.slice(object.lastIndexOf('/') + 1)}\n`))
      return 'ledger'
    // A table without them could not be read at all, also where they are needed only for older snapshots.
    case 'manifest':
    case 'marker':
      return undefined
    case 'metadata':
      if (isCurrent) return undefined
  }
  if (problem !== 'missing') {
    await store.copy(key, damagedKey(key))
    await store.delete(key)
  }
  return sourceOf(damage)
}

function sourceOf({ kind, table }: Damage): Source | undefined {
  switch (kind) {
    case 'metadata':
      return 'not needed'
    case 'raw object':
    case 'ledger segment':
      return 'archive'
    case 'data file':
      if (table === 'bronze.objects') return 'ledger'
      return table.startsWith('gold.') ? 'silver' : 'bronze'
  }
  return undefined
}

/** Brings back segments of the ledger, and from a backup tables whose metadata is damaged. */
async function bringBack(lake: Lake, copies: Copies, damages: readonly Damage[], sources: Map<string, Source>): Promise<void> {
  const segments = damages.filter(({ kind }) => kind === 'ledger segment')
  if (segments.length > 0 && (await bringSegments(copies, lake.store)) > 0) for (const { key } of segments) sources.set(key, 'copy')
  const metadata = damages.filter(({ key, kind }) => (kind === 'manifest' || kind === 'metadata') && !sources.has(key))
  if (!copies.isBackup || metadata.length === 0) return
  await restore(lake.store, copies.store, { signal: lake.signal, dryRun: false })
  for (const { key } of metadata) sources.set(key, 'copy')
}

/**
 * Fetches the raw objects that bronze has lost, and verifies those that a lost segment of the ledger spoke of. An archive that cannot be reached is a finding, so that
 * the rest is still repaired.
 */
async function fetchMissing(context: FlowContext<IngestProgress>, damages: readonly Damage[], now: number): Promise<Finding[]> {
  const objects = damages.flatMap(({ kind, object }) => (kind === 'raw object' && object !== undefined ? [object] : []))
  if (damages.some(({ kind }) => kind === 'ledger segment')) objects.push(...(await unknownObjects(context.lake)))
  const findings: Finding[] = []
  for (const [table, some] of Map.groupBy(new Set(objects), (object) => silverTableName(parseObjectKey(object)))) {
    const series = seriesOf(table)
    const report = new IngestReport(context.onProgress)
    try {
      if (series !== undefined) await fetchAgain(context, series, some, now, report)
    } catch (error) {
      const failure = asLakehouseError(error)
      if (failure.code === 'INTERRUPTED') throw error
      report.errors.push(failure)
    }
    findings.push(...reported(report, 'bronze.objects'))
  }
  await context.lake.ledger.flush()
  return findings
}

/** The findings of a report, and its errors as findings about `subject`. */
function reported({ findings, errors }: IngestReport, subject: string): Finding[] {
  return [...findings, ...errors.map(({ code, message }) => wholeFinding(subject, code.toLowerCase(), 'error', 1, message))]
}

/** Objects in bronze that the ledger does not know. */
async function unknownObjects(lake: Lake): Promise<string[]> {
  await using fold = await lake.readLedger()
  const known = await fold.currentObjects('')
  const unknown: string[] = []
  for (const { archive, id } of SOURCES)
    for await (const { key } of lake.store.list(`bronze/${id}/archive/${archive.root}`)) {
      const archiveKey = key.slice(`bronze/${id}/archive/`.length)
      if (archive.checksumOf(archiveKey) !== undefined) continue
      const object = archive.objectPrefix + archiveKey
      if (!known.has(object) && bronzeKey(object) === key) unknown.push(object)
    }
  return unknown
}

/** Builds the tables with damaged files again, and what depends on them, exchange by exchange. */
async function rebuild(
  context: FlowContext<IngestProgress>,
  damages: readonly Damage[],
  { barIntervals, now }: Pick<RepairRequest, 'barIntervals' | 'now'>,
): Promise<Finding[]> {
  const { lake } = context
  const findings: Finding[] = []
  const isWide = damages.some(({ kind, table }) => kind === 'ledger segment' || table.startsWith('gold.'))
  const damaged = damages.flatMap(
    ({ table, object }) => (object === undefined ? seriesOf(table.replace('silver.', '')) : parseObjectKey(object)) ?? [],
  )
  for (const { id: exchange } of SOURCES) {
    const everything = { types: DATASET_IDS, markets: [], symbols: [], intervals: [], range: undefined }
    const request: IngestRequest = { ...everything, exchange, layers: ['silver', 'gold'], barIntervals, now }
    const report = new IngestReport(context.onProgress)
    for (const series of damaged) if (series.exchange === exchange) report.select(series)
    if (isWide) {
      await using fold = await lake.readLedger()
      await selectHeld(fold, request, report)
    }
    if (report.selected.length === 0) continue
    await buildSilver(context, request, report)
    await deriveGold(lake, request, report)
    findings.push(...reported(report, 'lake'))
  }
  await lake.ledger.flush()
  await foldIntoTable(lake)
  return findings
}

/** Writes hints and cards again. */
async function mendTables(lake: Lake, damages: readonly Damage[]): Promise<void> {
  const mended = damages.filter(({ kind }) => kind === 'version hint' || kind === 'table card')
  for (const root of new Set(mended.map(({ table }) => table.replace('.', '/')))) {
    const table = await unlessUnreadable(() => loadTable(lake.store, root))
    if (table === undefined) continue
    await publishHint(lake.store, root, table.version)
    if (!root.startsWith('bronze/')) await lake.publish(root)
  }
}

/** `after` is what is still damaged. */
function result(damages: readonly Damage[], after: readonly Damage[], sources: ReadonlyMap<string, Source>): RepairResult {
  const left = new Set(after.map(({ key }) => key))
  const isFound = damages === after
  const items = damages.map((damage): RepairItem => {
    const { key, kind, table, problem } = damage
    const outcome = isFound ? 'found' : left.has(key) || isForgotten(damage, sources) ? 'lost' : 'repaired'
    return { key, kind, table, problem, outcome, source: outcome === 'repaired' ? (sources.get(key) ?? null) : null }
  })
  const forgotten = isFound ? [] : damages.filter((damage) => !left.has(damage.key) && isForgotten(damage, sources))
  const findings = [...after, ...forgotten].map((damage) => {
    const check = isFound ? 'file_damaged' : 'file_lost'
    const severity = forgotten.includes(damage) ? 'warning' : severityOf(damage)
    const advice = isFound ? 'run `lake repair`' : adviceFor(damage)
    return wholeFinding(damage.table, check, severity, 1, `${describeDamage(damage)}: ${advice}`)
  })
  return { items, findings }
}

/** A segment of the ledger that no backup has: its objects were verified again, but nothing else has the former revisions and decisions in it. */
function isForgotten({ key, kind }: Damage, sources: ReadonlyMap<string, Source>): boolean {
  return kind === 'ledger segment' && sources.get(key) !== 'copy'
}

function adviceFor({ kind, isCurrent }: Damage): string {
  if (kind === 'ledger segment')
    return 'its objects were verified again, but former revisions and decisions that it recorded are forgotten; run `restore` if there is a backup'
  if (!isCurrent && kind === 'data file')
    return 'expire the snapshots that need it with `tables expire`, or run `lake repair --from` with a copy of the lake'
  return 'run `lake repair --from` with a backup or a copy of the lake'
}
