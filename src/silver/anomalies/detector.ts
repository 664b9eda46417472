/** A bar as detectors see it; one object for all of them, filled anew for each. `time` is µs. */
export type ObservedBar = {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
  takerVolume: number
  tradeCount: number
}

/**
 * Finds what is out of the ordinary in the bars of one symbol. It is told of each bar once, in order, and answers at once, from that bar and those before it: nothing that comes
 * later can change what it said.
 */
export type Detector = {
  readonly id: string
  /** What a hit means. */
  readonly meaning: string
  readonly parameters: Readonly<Record<string, number>>
  /** A fresh judge: the score of a bar that is out of the ordinary, above its threshold; undefined for one that is not, and while history is short. */
  create(): (bar: ObservedBar) => number | undefined
}
