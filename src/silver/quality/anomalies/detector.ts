/** A row for detectors. One object is filled again for each row. `time` is in µs; fields that the kind of row does not have are NaN. */
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

/** The state before the first row. */
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
 * Receives each row of one symbol once, in order, and judges it at once from that row and the rows before it. Later rows never change the result.
 * Returns the score of an unusual row, which is above the threshold; undefined for a usual row, and while the history is short.
 */
export type Judge = ((row: Observed) => number | undefined) & {
  /** What contributed to the last score. */
  readonly explain?: () => string
  /** The learnt state as JSON, and the number of rows it comes from; undefined before anything was learnt. */
  readonly model?: () => { readonly rows: number; readonly json: string } | undefined
}

/** Finds unusual rows of one symbol. */
export type Detector = {
  readonly id: string
  /** What a hit means. */
  readonly meaning: string
  /** The kind of rows that it judges: traded bars, any bars, trades, or best bids and asks. */
  readonly sees: 'traded bars' | 'bars' | 'trades' | 'quotes'
  readonly parameters: Readonly<Record<string, number>>
  create(): Judge
}
