import type { Severity } from '../../../core/finding.ts'
import type { Series } from '../../../datasets/registry.ts'

/** What a violation takes away from: the six parts of a quality score. */
export const DIMENSIONS = ['completeness', 'validity', 'consistency', 'uniqueness', 'timeliness', 'accuracy'] as const

export type Dimension = (typeof DIMENSIONS)[number]

/** A rule that rows of a table keep. */
export type Check = {
  readonly id: string
  readonly severity: Severity
  readonly dimension: Dimension
  /** What a violation means, for whoever reads the finding. */
  readonly meaning: string
  /**
   * SQL that is true for a row that breaks the rule; undefined where the rule does not apply. It may use the table's columns, and previous_<column> for those of `previous`,
   * which are of the row before, of the same symbol, in the order of the key (null for the first).
   */
  condition(series: Series): string | undefined
  readonly previous?: (series: Series) => readonly string[]
  /** Fewer rows than these in a row break no rule. */
  readonly least?: number
  /** SQL of how many rows are missing before a row that breaks the rule, where it tells of missing ones. */
  readonly missing?: (series: Series) => string
}

/** The names of what a kline counts: total and taker's, in the first and the second unit. */
export function amounts({ market }: Series) {
  return market === 'cm'
    ? { volume: 'contracts', value: 'base_volume', takerVolume: 'taker_buy_contracts', takerValue: 'taker_buy_base_volume' }
    : { volume: 'volume', value: 'quote_volume', takerVolume: 'taker_buy_volume', takerValue: 'taker_buy_quote_volume' }
}

const BARS: ReadonlySet<string> = new Set(['klines', 'markPriceKlines', 'indexPriceKlines', 'premiumIndexKlines'])

/** Whether the rows are bars of an interval. */
export function isBars({ dataset }: Series): boolean {
  return BARS.has(dataset)
}
