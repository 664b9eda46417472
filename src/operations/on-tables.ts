import * as z from 'zod'
import type { Finding } from '../core/finding.ts'
import type { Tables } from '../lakehouse/tables.ts'
import { type AnyCounts, type OperationContext, type Outcome, statusOf } from './contract.ts'
import { nothing, table } from './schemas.ts'

/** Runs `work` on the tables of the lake. Adds the findings of side tasks, such as publishing, to the outcome. */
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
      const side = tables.findings.filter((finding) => outcome.findings?.includes(finding) !== true)
      if (side.length === 0) return outcome
      return { ...outcome, status: 'done_with_findings', findings: [...(outcome.findings ?? []), ...side] }
    },
    context.notice,
  )
}

/** The common part of operations that report findings about one table or about every table. */
export function aboutTables(look: (tables: Tables, name: string | undefined) => Promise<readonly Finding[]>) {
  return {
    input: z.strictObject({ table: table.optional() }),
    result: nothing,
    example: {},
    run: (context: OperationContext, input: { readonly table?: string | undefined }) =>
      findingsOn(context, (tables) => look(tables, input.table)),
  }
}

/** The findings about tables as an outcome. */
export async function findingsOn(context: OperationContext, look: (tables: Tables) => Promise<readonly Finding[]>) {
  return await onTables(context, 'read', async (tables) => {
    const findings = await look(tables)
    return {
      status: statusOf(findings),
      findings,
      counts: { findings: findings.length },
      result: {},
    }
  })
}
