import type { Severity } from '../../../core/finding.ts'
import type { Series } from '../../../sources/series.ts'

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
