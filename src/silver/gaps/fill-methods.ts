import type { Cause } from './causes.ts'

/** How rows that are missing can be had, the surest first. The first three make rows in the table; the others say where to look. */
export const FILL_METHODS = {
  finer_bars: 'made of finer bars of the same type, all of which are there',
  trades: 'made of the trades of their time, whose numbers have no hole there',
  synthetic: 'the last close carried on, without volume: only where it is asked for',
  archive: 'the archive may have them: ingest them',
  api: 'the REST interface of the exchange may have them',
  none: 'nothing is missing, or nobody has them',
} as const

export type FillMethod = keyof typeof FILL_METHODS

/** Where to look for what other tables do not give. */
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
