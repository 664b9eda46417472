/** Why rows are missing, the surest first: what each cause means, and what can be done. */
export const CAUSES = {
  not_listed: { meaning: 'the symbol was not traded yet', remedy: 'nothing is missing' },
  delisted: { meaning: 'the symbol is not traded any more, while others are', remedy: 'nothing is missing' },
  type_discontinued: { meaning: 'the exchange has stopped publishing the type', remedy: 'it cannot be filled' },
  late_publication: { meaning: 'the exchange may not have published it yet', remedy: 'ingest again tomorrow' },
  own_miss: { meaning: 'no object of the lake covers it, or the one that does is quarantined or lost', remedy: 'ingest it' },
  exchange_outage: {
    meaning: 'the exchange did not trade: reported by users, or many symbols are missing it at once',
    remedy: 'it cannot be filled',
  },
  archive_hole: { meaning: 'the file has no such rows, another table of the same market has', remedy: 'fill it from the other table' },
  no_trades: { meaning: 'the file has no such rows, and there were no trades', remedy: 'nothing is missing' },
  unknown: { meaning: 'the file has no such rows, and nothing tells why', remedy: 'compare with the REST interface' },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type Cause = keyof typeof CAUSES
