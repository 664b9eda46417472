import type { Severity } from '../../core/finding.ts'
import { DETECTORS } from './anomalies/registry.ts'
import type { Dimension } from './checks/check.ts'
import { CROSS_CHECKS } from './checks/cross-bars.ts'
import { CHECKS } from './checks/registry.ts'

/** What the ledger knows of the objects that a table was made of, told beside the rules for rows. */
export const LEDGER_CHECKS = {
  duplicate_rows: {
    severity: 'warning',
    dimension: 'uniqueness',
    meaning: 'rows repeat the key of another one, of the same file or of an earlier one, and were dropped',
  },
  unsorted_file: {
    severity: 'info',
    dimension: 'consistency',
    meaning: 'the rows of a file do not lie in the order of time: they were sorted',
  },
  unused_column: { severity: 'info', dimension: 'consistency', meaning: 'the column that means nothing is not 0' },
  rejected_rows: { severity: 'error', dimension: 'validity', meaning: 'lines could not be typed and lie in quarantine' },
} as const

/** What the end of a symbol tells. */
export const STALE_CHECK = {
  stale: {
    severity: 'info',
    dimension: 'timeliness',
    meaning: 'the newest row is older than quality.maxStaleDays: files are late, or were not ingested',
  },
} as const

type Rule = { readonly severity: Severity; readonly dimension: Dimension; readonly meaning: string }

/** Everything that a finding may be of, by its id. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(CHECKS.map((check) => [check.id, check])),
  ...LEDGER_CHECKS,
  ...STALE_CHECK,
  ...CROSS_CHECKS,
  ...Object.fromEntries(DETECTORS.map(({ id, meaning }) => [id, { severity: 'info', dimension: 'accuracy', meaning }] as const)),
}
