import * as z from 'zod'
import type { Finding } from '../core/finding.ts'
import type { Tables } from '../lakehouse/tables.ts'
import type { AnyCounts, OperationContext, Outcome } from './contract.ts'
import { nothing, table } from './schemas.ts'

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

/** The rest of an operation that tells what it finds about one table, or about every table. */
export function aboutTables(look: (tables: Tables, name: string | undefined) => Promise<readonly Finding[]>) {
  return {
    input: z.strictObject({ table: table.optional() }),
    result: nothing,
    example: {},
    run: (context: OperationContext, input: { readonly table?: string | undefined }) =>
      onTables(context, 'read', async (tables) => {
        const findings = await look(tables, input.table)
        return {
          status: findings.length === 0 ? 'done' : 'done_with_findings',
          findings,
          counts: { findings: findings.length },
          result: {},
        }
      }),
  }
}
