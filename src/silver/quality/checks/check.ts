import type { Severity } from '../../../core/finding.ts'
import type { Series } from '../../../sources/series.ts'

/** The six parts of a quality score; a violation lowers one of them. */
export const DIMENSIONS = ['completeness', 'validity', 'consistency', 'uniqueness', 'timeliness', 'accuracy'] as const

export type Dimension = (typeof DIMENSIONS)[number]

/** A rule for the rows of a table. */
export type Check = {
  readonly id: string
  readonly severity: Severity
  readonly dimension: Dimension
  /** What a violation means, for the reader of the finding. */
  readonly meaning: string
  /**
   * SQL that is true for a row that breaks the rule; undefined if the rule does not apply. It may use the columns of the table, and previous_<column> for the
   * columns in `previous`: these are from the row before, of the same symbol, in key order (null for the first row).
   */
  condition(series: Series): string | undefined
  readonly previous?: (series: Series) => readonly string[]
  /** A shorter run of consecutive rows does not break the rule. */
  readonly least?: number
  /** SQL of the number of rows missing before a row that breaks the rule, for rules about missing rows. */
  readonly missing?: (series: Series) => string
}
