import { LakehouseError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import type { TimeRange } from '../../core/time.ts'
import { update } from '../../lake/iceberg/commit.ts'
import { withoutRef, withRef } from '../../lake/iceberg/evolve.ts'
import { lineOf, sameId } from '../../lake/iceberg/metadata.ts'
import { periodRange } from '../../lake/iceberg/schema.ts'
import { snapshotOf, type Table } from '../../lake/iceberg/table.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { filesByPartition } from '../../lake/tables/commit-queue.ts'
import { transformOf } from '../../silver/build/inputs.ts'
import { scoreDays } from '../../silver/quality/assess.ts'
import type { QualityOptions } from '../../silver/quality/score.ts'
import { type Series, silverTableName } from '../../sources/series.ts'
import { brokenCondition, type PublishRule } from './publish-rule.ts'

/** The branch of a table that gets rows before a rule decides on them. */
export const STAGED = 'staged'

/** Days that are named in a refusal. */
const NAMED = 5

/** Removes a staged branch that main has left behind, so that the build begins at main. */
export async function dropStaleBranch(lake: Lake, series: Series): Promise<void> {
  const root = tableKey('silver', silverTableName(series))
  await update(lake.store, root, lake.commits, async (current) => {
    if (current?.metadata.refs[STAGED] === undefined || isAhead(current)) return undefined
    return withoutRef(current.metadata, STAGED)
  })
}

/** Whether the staged branch has everything that main has. */
function isAhead({ metadata }: Table): boolean {
  const main = metadata['current-snapshot-id']
  return main === -1 || lineOf(metadata, metadata.refs[STAGED]?.['snapshot-id']).some((snapshot) => sameId(snapshot['snapshot-id'], main))
}

/**
 * Judges the days of the partitions that the staged branch changes. If each meets the rule, main becomes the branch, which readers see at once. Otherwise the branch stays, and
 * the refusal is returned. Throws COMMIT_CONFLICT when another writer changed main meanwhile.
 */
export async function publishStaged(lake: Lake, series: Series, rule: PublishRule, quality: QualityOptions): Promise<Finding | undefined> {
  const name = silverTableName(series)
  const table = await lake.table('silver', name)
  const head = table.metadata.refs[STAGED]
  if (head === undefined) return undefined
  const ranges = await changedRanges(table, series)
  const bad = (await scoreDays(lake, series, quality, { tag: STAGED }, ranges)).flatMap((day) => {
    const why = brokenCondition(rule, day)
    return why === undefined ? [] : [{ ...day, why }]
  })
  const [first] = bad
  if (first !== undefined) {
    const days = bad.slice(0, NAMED).map(({ symbol, day, why }) => `${symbol} ${day}: ${why}`)
    const explanation = `the rows were not published, because ${bad.length} days do not meet the rule (${days.join('; ')}): read them with --as-of ${STAGED}, then correct the source or the rule and run \`ingest\` again`
    const [from, to] = [`${first.day}T00:00:00Z`, null]
    return {
      check: 'not_published',
      severity: 'error',
      table: `silver.${name}`,
      symbol: first.symbol,
      from,
      to,
      count: bad.length,
      explanation,
    }
  }
  await update(lake.store, table.root, lake.commits, async (current) => {
    if (current === undefined || !sameId(current.metadata.refs[STAGED]?.['snapshot-id'], head['snapshot-id']) || !isAhead(current))
      throw new LakehouseError('COMMIT_CONFLICT', `another run changed silver.${name} while it was judged: run again`, {
        details: { table: `silver.${name}` },
      })
    return withoutRef(withRef(current.metadata, 'main', head['snapshot-id'], 'branch', lake.nowMs()), STAGED)
  })
  return undefined
}

/** The partitions whose files differ between main and the staged branch. */
async function changedRanges(table: Table, series: Series): Promise<TimeRange[]> {
  const before = snapshotOf(table, undefined) === undefined ? new Map() : await filesByPartition(table)
  const ranges: TimeRange[] = []
  for (const [partition, files] of await filesByPartition(table, STAGED)) {
    const known = new Set((before.get(partition) ?? []).map(({ path }: { path: string }) => path))
    const isSame = known.size === files.length && files.every(({ path }) => known.has(path))
    if (partition !== undefined && !isSame) ranges.push(periodRange(transformOf(series), partition))
  }
  return ranges
}
