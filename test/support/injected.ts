import { type Detector, nothingObserved, type Observed } from '../../src/silver/quality/anomalies/detector.ts'
import { DETECTORS } from '../../src/silver/quality/anomalies/registry.ts'
import { Random } from '../../src/simulator/random.ts'

/** What is done to a clean series from bar `at` on, and how many bars a detector may take to see it. */
type Injection = {
  readonly detector: string
  readonly what: string
  readonly within: number
  readonly inject: (bars: Observed[], at: number, random: Random) => void
}

const change = (bars: Observed[], at: number, by: Partial<Observed>) => Object.assign(bars[at] ?? {}, by)

const INJECTIONS: readonly Injection[] = [
  {
    detector: 'return_outlier',
    what: 'one close 3–10 % off',
    within: 1,
    inject: (bars, at, random) => {
      const close = (bars[at]?.close ?? 1) * (1 + (random.chance(0.5) ? 1 : -1) * (0.03 + 0.07 * random.uniform()))
      change(bars, at, { close, high: Math.max(bars[at]?.high ?? 0, close), low: Math.min(bars[at]?.low ?? 0, close) })
    },
  },
  {
    detector: 'volume_outlier',
    what: 'one volume times 100–400',
    within: 0,
    inject: (bars, at, random) => change(bars, at, { volume: (bars[at]?.volume ?? 0) * (100 + 300 * random.uniform()) }),
  },
  {
    detector: 'open_gap',
    what: 'one open 2–6 % off',
    within: 0,
    inject: (bars, at, random) =>
      change(bars, at, { open: (bars[at]?.open ?? 1) * (1 + (random.chance(0.5) ? 1 : -1) * (0.02 + 0.04 * random.uniform())) }),
  },
  {
    detector: 'level_shift',
    what: 'volume times 12–30 from there on',
    within: 30,
    inject: (bars, at, random) => {
      const factor = 12 + 18 * random.uniform()
      for (const bar of bars.slice(at)) bar.volume *= factor
    },
  },
  {
    detector: 'isolation_forest',
    what: 'a range of 4 %, volume times 60, takers on one side, few large trades',
    within: 0,
    inject: (bars, at) => {
      const { close = 1, volume = 0 } = bars[at] ?? {}
      change(bars, at, { high: close * 1.02, low: close * 0.98, volume: volume * 60, takerVolume: volume * 59, tradeCount: 3 })
    },
  },
  {
    detector: 'trade_outlier',
    what: 'one price 1–8 % off',
    within: 0,
    inject: (trades, at, random) =>
      change(trades, at, { price: (trades[at]?.price ?? 1) * (1 + (random.chance(0.5) ? 1 : -1) * (0.01 + 0.07 * random.uniform())) }),
  },
  {
    detector: 'spread_outlier',
    what: 'a spread times 20–200',
    within: 0,
    inject: (quotes, at, random) => {
      const { bid = 1, ask = 1 } = quotes[at] ?? {}
      change(quotes, at, { ask: bid + (ask - bid) * (20 + 180 * random.uniform()) })
    },
  },
]

/** Trades at prices of whole ticks, in bursts that go one way. */
function cleanTrades(random: Random, length: number): Observed[] {
  let [ticks, drift] = [100_000, 0]
  return Array.from({ length }, (_, time) => {
    drift = random.chance(0.05) ? random.normal() : 0.9 * drift
    ticks += Math.round(drift + 0.7 * random.normal())
    return { ...nothingObserved(), time, price: ticks / 1000 }
  })
}

/** Quotes of a market whose spread is mostly one tick, at times some more. */
function cleanQuotes(random: Random, length: number): Observed[] {
  let ticks = 100_000
  return Array.from({ length }, (_, time) => {
    ticks += Math.round(random.normal())
    const spread = random.chance(0.8) ? 1 : 1 + random.integer(4)
    return { ...nothingObserved(), time, bid: ticks / 1000, ask: (ticks + spread) / 1000 }
  })
}

/** Rows of the kind that a detector looks at, none of them out of the ordinary. */
export function cleanRows(sees: Detector['sees'], random: Random, length: number): Observed[] {
  return sees === 'trades' ? cleanTrades(random, length) : sees === 'quotes' ? cleanQuotes(random, length) : cleanBars(random, length)
}

/** Bars of a market with calm and lively hours, no two alike; volume follows the moves. */
function cleanBars(random: Random, length: number): Observed[] {
  const bars: Observed[] = []
  let [price, calm] = [100, 0]
  for (let n = 0; n < length; n++) {
    calm = 0.98 * calm + 0.1 * random.normal()
    const deviation = 0.0006 * Math.exp(calm / 2)
    const open = price
    const close = open * Math.exp(deviation * random.normal())
    const reach = deviation * Math.abs(random.normal()) * 0.5
    const volume = 10 * Math.exp(calm + 0.5 * random.normal())
    const tradeCount = 50 + Math.round(volume * (3 + random.uniform()))
    bars.push({
      ...nothingObserved(),
      time: n,
      open,
      close,
      high: Math.max(open, close) * (1 + reach),
      low: Math.min(open, close) * (1 - reach),
      volume,
      takerVolume: volume * (0.35 + 0.3 * random.uniform()),
      tradeCount,
    })
    price = close
  }
  return bars
}

export type DetectorResult = {
  readonly detector: string
  readonly what: string
  readonly injected: number
  readonly found: number
  readonly others: number
}

/** Injects one event into each of many clean series and counts what each detector says of its own kind: the event found, and hits elsewhere. */
export function injectAnomalies(seed: string, series: number): DetectorResult[] {
  return INJECTIONS.map(({ detector, what, within, inject }) => {
    const found = { found: 0, others: 0 }
    for (let n = 0; n < series; n++) {
      const random = new Random(`${seed}:${detector}:${n}`)
      const judging = DETECTORS.find(({ id }) => id === detector)
      const bars = cleanRows(judging?.sees ?? 'bars', random, 1500)
      const at = 800 + random.integer(600)
      inject(bars, at, random)
      const judge = judging?.create()
      const hits = bars.flatMap((bar, index) => (judge?.(bar) === undefined ? [] : [index]))
      if (hits.some((hit) => hit >= at && hit <= at + within)) found.found++
      found.others += hits.filter((hit) => hit < at || hit > at + Math.max(within, 1)).length
    }
    return { detector, what, injected: series, ...found }
  })
}
