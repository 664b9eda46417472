import { type Finding, wholeFinding } from '../../core/finding.ts'
import type { Lake } from '../lake.ts'
import { tableName } from '../layout.ts'
import { describeDamage, severityOf } from './damage.ts'
import { findDamage } from './find-damage.ts'

/** A finding for each damaged file of a lake or of one table, one for the files without a digest, and the tables with damaged files. */
export async function damageFindings(lake: Lake, root: string | undefined): Promise<{ findings: Finding[]; tables: ReadonlySet<string> }> {
  const { damages, counts } = await findDamage(lake, root)
  const findings = damages.map((damage) => {
    const check = damage.problem === 'missing' ? 'file_missing' : 'file_damaged'
    return wholeFinding(damage.table, check, severityOf(damage), 1, `${describeDamage(damage)}: run \`lake repair\``)
  })
  if (counts.withoutDigest > 0) {
    const explanation = `${counts.withoutDigest} of ${counts.compared + counts.withoutDigest} files do not have a recorded digest, because another program or an early version wrote them: only their sizes, rows, nulls and bounds were compared`
    findings.push(wholeFinding(root === undefined ? 'lake' : tableName(root), 'no_digest', 'info', counts.withoutDigest, explanation))
  }
  return { findings, tables: new Set(damages.map(({ table }) => table)) }
}
