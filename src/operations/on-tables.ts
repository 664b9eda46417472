import type { Tables } from '../lakehouse/tables.ts'
import type { AnyCounts, OperationContext, Outcome } from './contract.ts'

/** Works with the lake's tables; what did not work besides is among the findings. */
export async function onTables<R, C extends AnyCounts>(
  context: OperationContext,
  access: 'read' | 'write',
  work: (tables: Tables) => Promise<Outcome<R, C>>,
): Promise<Outcome<R, C>> {
  const lakehouse = await context.lakehouse()
  return await lakehouse.withTables(
    access === 'write',
    async (tables) => {
      const outcome = await work(tables)
      const besides = tables.findings.filter((finding) => outcome.findings?.includes(finding) !== true)
      if (besides.length === 0) return outcome
      return { ...outcome, status: 'done_with_findings', findings: [...(outcome.findings ?? []), ...besides] }
    },
    context.notice,
  )
}
