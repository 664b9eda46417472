import * as z from 'zod'
import { INTERVAL_IDS } from '../../core/interval.ts'
import { DATASET_IDS } from '../../datasets/registry.ts'
import { LAYERS } from '../../lake/layout.ts'
import { EXCHANGE_IDS } from '../../sources/registry.ts'

/** The part of an archive to ingest, and the layers to build. Empty lists and no range mean everything. Instants are µs, the range is half-open. */
export const ingestRequest = z.strictObject({
  exchange: z.enum(EXCHANGE_IDS),
  types: z.array(z.enum(DATASET_IDS)).readonly(),
  markets: z.array(z.string()).readonly(),
  symbols: z.array(z.string()).readonly().describe('* and ? are patterns'),
  intervals: z.array(z.enum(INTERVAL_IDS)).readonly(),
  range: z.strictObject({ start: z.number().int(), end: z.number().int() }).readonly().optional(),
  layers: z.array(z.enum(LAYERS)).readonly(),
  barIntervals: z.array(z.enum(INTERVAL_IDS)).readonly().describe('bars that gold makes'),
  now: z.number().int().describe('µs; later data are not requested'),
  publishIf: z.string().optional().describe('rule that each changed day must meet before readers see it, such as score>=95'),
})

export type IngestRequest = Omit<z.output<typeof ingestRequest>, 'range' | 'publishIf'> & {
  readonly range: { readonly start: number; readonly end: number } | undefined
  readonly publishIf?: string | undefined
}
