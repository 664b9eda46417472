import * as z from 'zod'
import { parsePublishRule } from '../flows/bulk-ingestion/publish-rule.ts'
import type { IngestResult } from '../flows/bulk-ingestion/report.ts'
import { LAYERS } from '../lake/layout.ts'
import { operation, statusOf } from './contract.ts'
import { SELECTION_EXAMPLE } from './examples.ts'
import { archiveAt, resolveSelection, resolveTypes, selectionFields } from './selection.ts'

export const ingestFields = {
  types: z.array(z.string()).default([]).describe('data types; an empty list means all'),
  ...selectionFields,
  layers: z.array(z.enum(LAYERS)).default([]).describe('layers to build; an empty list means all'),
}

export const ingest = operation({
  id: 'ingest',
  summary: 'Load part of the archive into the bronze, silver and gold tables',
  permission: 'write',
  input: z.strictObject({
    ...ingestFields,
    publishIf: z.string().optional().describe('rule that each changed day must meet before readers see it, such as score>=95'),
  }),
  result: z.strictObject({
    tables: z.array(z.string()).readonly(),
    swept: z.strictObject({ temporaries: z.number(), orphans: z.number() }).readonly(),
  }),
  example: SELECTION_EXAMPLE,
  run: async (context, { types, layers, archive, publishIf, ...input }) => {
    if (publishIf !== undefined) parsePublishRule(publishIf)
    const request = { types: resolveTypes(types), ...resolveSelection(input, context.nowMs()) }
    const lakehouse = await context.lakehouse(archiveAt(archive))
    const chosen = new Set(layers.length === 0 ? LAYERS : layers)
    const { onIngest: onProgress, notice: onNotice } = context
    return outcomeOf(await lakehouse.ingest({ ...request, layers: chosen, publishIf, onProgress, onNotice }))
  },
})

/** The outcome of an ingestion: failed when an object could not be fetched, done_with_findings when a finding is a warning or an error. */
export function outcomeOf({ counts, findings, errors, tables, swept }: IngestResult) {
  const status = errors.length > 0 ? ('failed' as const) : statusOf(findings)
  return { status, counts, findings, errors, result: { tables, swept } }
}
