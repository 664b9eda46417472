import type { Detector, Observed } from './detector.ts'

const TREES = 32
const SAMPLE = 64
const HISTORY = 512
/** How far splits may be beyond the values of the sample, as a multiple of their range. */
const MARGIN = 1.5
const THRESHOLD = 0.58
const SEED = 20260
/** Increased whenever the model gives different scores for the same bars. */
const VERSION = 1

type Node = { readonly feature: number; readonly at: number; readonly left: Node; readonly right: Node } | { readonly size: number }

/** The average path length of an unsuccessful search among n (Liu, Ting, Zhou 2008, equation 1). */
function averagePath(n: number): number {
  return n <= 1 ? 0 : 2 * (Math.log(n - 1) + 0.5772156649015329) - (2 * (n - 1)) / n
}

/** mulberry32: numbers in [0, 1) that depend on the seed alone. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** The features of a bar, by the names that explain a score. */
const FEATURES = ['move', 'range', 'volume', 'taker share', 'trade size', 'opening gap'] as const

/** The features of a bar, chosen so that an unusual bar is far from the usual ones. */
function featuresOf(bar: Observed, before: number): number[] | undefined {
  const { open, high, low, close, volume, takerVolume, tradeCount } = bar
  if (!(volume > 0) || !(before > 0) || !(low > 0) || !(tradeCount > 0)) return undefined
  return [
    Math.abs(Math.log(close / before)),
    Math.log(high / low),
    Math.log(volume),
    Math.abs(takerVolume / volume - 0.5),
    Math.log(volume / tradeCount),
    Math.abs(Math.log(open / before)),
  ]
}

/**
 * An isolation forest (Liu, Ting, Zhou 2008). It is trained on the bars before, and trained again after the same number of bars. A fixed seed gives equal bars equal scores.
 */
export const isolationForest = {
  id: 'isolation_forest',
  meaning: 'the combination of move, range, volume, taker share and trade size is unusual compared with the bars before',
  parameters: { trees: TREES, sample: SAMPLE, history: HISTORY, threshold: THRESHOLD, seed: SEED, version: VERSION },
  sees: 'traded bars',
  create: () => {
    const history: number[][] = []
    let forest: Node[] = []
    let grown = 0
    let forestOf = 0
    let before = Number.NaN
    let last: number[] = []
    const judge = (bar: Observed) => {
      const features = featuresOf(bar, before)
      before = bar.close
      if (features === undefined) return undefined
      last = features
      if (grown % HISTORY === 0 && grown > forestOf) {
        forest = grow(history, SEED + grown)
        forestOf = grown
      }
      const value = forest.length === 0 ? 0 : score(forest, features)
      history[grown % HISTORY] = features
      grown++
      return value > THRESHOLD ? value : undefined
    }
    const model = () =>
      forest.length === 0
        ? undefined
        : { rows: forestOf, json: JSON.stringify({ version: VERSION, features: FEATURES, sample: SAMPLE, forest }) }
    return Object.assign(judge, { explain: () => explain(forest, history, last), model })
  },
} as const satisfies Detector

/** How much the score drops when a feature is set to the median of the history: the shares of the features that matter, largest first. */
function explain(forest: readonly Node[], history: readonly (readonly number[])[], features: readonly number[]): string {
  const whole = score(forest, features)
  const drops = FEATURES.map((name, index) => {
    const values = history.map((row) => row[index] as number).sort((a, b) => a - b)
    const ordinary = features.map((value, at) => (at === index ? (values[values.length >> 1] as number) : value))
    return { name, drop: Math.max(0, whole - score(forest, ordinary)) }
  })
  const total = drops.reduce((sum, { drop }) => sum + drop, 0)
  const shares = drops.filter(({ drop }) => drop >= 0.05 * total && drop > 0).sort((a, b) => b.drop - a.drop)
  return shares.map(({ name, drop }) => `${name} ${Math.round((100 * drop) / total)} %`).join(', ')
}

/** The score that a stored model gives to feature values, in the order of its `features`. */
export function scoreOf(json: string, features: readonly number[]): number {
  return score((JSON.parse(json) as { forest: Node[] }).forest, features)
}

function grow(rows: readonly (readonly number[])[], seed: number): Node[] {
  const next = random(seed)
  const deepest = Math.ceil(Math.log2(SAMPLE))
  return Array.from({ length: TREES }, () => {
    const sample = Array.from({ length: SAMPLE }, () => rows[Math.floor(next() * rows.length)] as readonly number[])
    return split(sample, 0, deepest, next)
  })
}

function split(rows: readonly (readonly number[])[], depth: number, deepest: number, next: () => number): Node {
  if (depth >= deepest || rows.length <= 1) return { size: rows.length }
  const feature = Math.floor(next() * (rows[0]?.length ?? 1))
  const values = rows.map((row) => row[feature] as number)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (low === high) return { size: rows.length }
  // Splits also fall beyond the seen values; else a value outside would only be separated from the outermost value by chance.
  const at = low - MARGIN * (high - low) + next() * (1 + 2 * MARGIN) * (high - low)
  const left = rows.filter((row) => (row[feature] as number) < at)
  const right = rows.filter((row) => (row[feature] as number) >= at)
  return { feature, at, left: split(left, depth + 1, deepest, next), right: split(right, depth + 1, deepest, next) }
}

/** In (0, 1): the closer to 1, the fewer random splits isolate the row. */
function score(forest: readonly Node[], row: readonly number[]): number {
  let total = 0
  for (const tree of forest) {
    let node = tree
    let depth = 0
    while ('feature' in node) {
      node = (row[node.feature] as number) < node.at ? node.left : node.right
      depth++
    }
    total += depth + averagePath(node.size)
  }
  return 2 ** (-total / forest.length / averagePath(SAMPLE))
}
