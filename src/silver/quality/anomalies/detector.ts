/** A row as detectors see it; one object for all of them, filled again for each. `time` is µs; what a kind of row does not have is NaN. */
export type Observed = {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
  takerVolume: number
  tradeCount: number
  price: number
  bid: number
  ask: number
}

/** Nothing seen yet. */
export function nothingObserved(): Observed {
  const none = Number.NaN
  return {
    time: 0,
    open: none,
    high: none,
    low: none,
    close: none,
    volume: none,
    takerVolume: none,
    tradeCount: none,
    price: none,
    bid: none,
    ask: none,
  }
}

/**
 * Is told of each row of one symbol once, in order, and answers at once, from that row and those before it: nothing that comes later can change what it said. The answer is the score of
 * a row that is out of the ordinary, above its threshold; undefined for one that is not, and while history is short.
 */
export type Judge = ((row: Observed) => number | undefined) & {
  /** What the last score is made of. */
  readonly explain?: () => string
  /** What the judge has learnt, as JSON, and of how many rows; undefined while it has learnt nothing. */
  readonly model?: () => { readonly rows: number; readonly json: string } | undefined
}

/** Finds what is out of the ordinary in the rows of one symbol. */
export type Detector = {
  readonly id: string
  /** What a hit means. */
  readonly meaning: string
  /** The rows that it is shown: bars of what was traded, any bars, trades, or best bids and asks. */
  readonly sees: 'traded bars' | 'bars' | 'trades' | 'quotes'
  readonly parameters: Readonly<Record<string, number>>
  create(): Judge
}
