import type { Cause } from './causes.ts'

/** How to get missing rows, most reliable method first. The first three make rows in the table; the others say where to find them. */
export const FILL_METHODS = {
  finer_bars: 'built from finer bars of the same type, which are complete',
  trades: 'built from the trades of the same time, whose numbers are complete',
  synthetic: 'the last close carried forward without volume: only on request',
  archive: 'the archive may have the rows: run `ingest`',
  api: 'the REST interface of the exchange may have the rows',
  none: 'nothing is missing, or the rows cannot be obtained',
} as const

export type FillMethod = keyof typeof FILL_METHODS

/** Where to find rows that other tables do not have, by cause. */
export const METHOD_OF_CAUSE: Readonly<Record<Cause, FillMethod>> = {
  not_listed: 'none',
  delisted: 'none',
  type_discontinued: 'none',
  late_publication: 'archive',
  own_miss: 'archive',
  exchange_outage: 'none',
  archive_hole: 'api',
  no_trades: 'none',
  unknown: 'api',
}
