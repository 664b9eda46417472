/** Why rows are missing, most certain cause first: what each cause means, and what to do. */
export const CAUSES = {
  not_listed: { meaning: 'the symbol was not traded yet', remedy: 'nothing is missing' },
  delisted: { meaning: 'the symbol is no longer traded, but other symbols are', remedy: 'nothing is missing' },
  type_discontinued: { meaning: 'the exchange has stopped publishing the type', remedy: 'it cannot be filled' },
  late_publication: { meaning: 'the exchange may not have published it yet', remedy: 'run `ingest` again tomorrow' },
  own_miss: {
    meaning: 'the lake does not have an object for this time, or the object is quarantined or lost',
    remedy: 'run `ingest` for this time',
  },
  exchange_outage: {
    meaning: 'the exchange did not trade: users reported it, or many symbols have the gap at the same time',
    remedy: 'it cannot be filled',
  },
  archive_hole: {
    meaning: 'the file does not have these rows, but another table of the same market has',
    remedy: 'run `gaps fill` to fill it from the other table',
  },
  no_trades: { meaning: 'the file does not have these rows, because nothing was traded', remedy: 'nothing is missing' },
  unknown: {
    meaning: 'the file does not have these rows, and the reason is not known',
    remedy: 'compare with the REST interface of the exchange',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type Cause = keyof typeof CAUSES
