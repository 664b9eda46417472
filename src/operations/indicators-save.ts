import * as z from 'zod'
import { parseIndicators } from '../gold/indicators/indicator-spec.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { indicatorFields } from './indicators-compute.ts'

export const indicatorsSave = operation({
  id: 'indicators.save',
  summary: 'Save indicators of all symbols of a table as a gold table, which ingestion keeps up to date',
  permission: 'write',
  input: z.strictObject({ ...indicatorFields, name: z.string().min(1).describe('name of the table in gold') }),
  result: z.strictObject({ table: z.string(), columns: z.array(z.string()) }),
  example: { table: EXAMPLE.minutes, indicators: 'ema(20)', name: 'example_features' },
  run: async (context, { table: source, indicators: spec, benchmark, name }) => {
    const columns = parseIndicators(spec).flatMap((one) => one.columns)
    const [made, findings] = await (await context.lakehouse()).withGold(
      true,
      async (gold) => [await gold.saveIndicators({ name, source, spec, benchmark }), gold.findings] as const,
    )
    const { rowsWritten, partitionsWritten, partitionsUnchanged } = made
    const counts = { rowsWritten, partitionsWritten, partitionsUnchanged }
    return { status: findings.length > 0 ? 'done_with_findings' : 'done', counts, findings, result: { table: `gold.${name}`, columns } }
  },
})
