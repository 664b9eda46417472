import type { Severity } from '../../core/finding.ts'
import { DETECTORS } from './anomalies/registry.ts'
import type { Dimension } from './checks/check.ts'
import { CROSS_CHECKS } from './checks/cross-bars.ts'
import { CHECKS } from './checks/registry.ts'

/** Rules about the objects of a table, from the ledger; reported together with the rules for rows. */
export const LEDGER_CHECKS = {
  duplicate_rows: {
    severity: 'warning',
    dimension: 'uniqueness',
    meaning: 'rows had the key of another row in the same file or an earlier one, and were dropped',
  },
  unsorted_file: {
    severity: 'info',
    dimension: 'consistency',
    meaning: 'the rows of a file were not in time order and were sorted',
  },
  unused_column: { severity: 'info', dimension: 'consistency', meaning: 'the unused column is not 0' },
  other_days: {
    severity: 'error',
    dimension: 'validity',
    meaning: 'the rows of a file are outside of the day or month that its name says',
  },
  truncated_file: {
    severity: 'warning',
    dimension: 'completeness',
    meaning: 'the file ends, or begins, inside the day or month that its name says: it is cut, or the symbol was not traded for the rest',
  },
  rejected_rows: { severity: 'error', dimension: 'validity', meaning: 'lines could not be decoded and are in quarantine' },
} as const

/** The rule about two rows with one key, of which the first stays, from the ledger. */
const CONFLICT_CHECK = {
  conflicting_duplicates: {
    severity: 'error',
    dimension: 'uniqueness',
    meaning: 'two rows had the same key and other values: the first stays',
  },
} as const

/** The rule about the end of a symbol. */
export const STALE_CHECK = {
  stale: {
    severity: 'info',
    dimension: 'timeliness',
    meaning: 'the newest row is older than quality.maxStaleDays: files are late or were not ingested',
  },
} as const

type Rule = { readonly severity: Severity; readonly dimension: Dimension; readonly meaning: string }

/** Every rule that a finding can have, by its id. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(CHECKS.map((check) => [check.id, check])),
  ...LEDGER_CHECKS,
  ...CONFLICT_CHECK,
  ...STALE_CHECK,
  ...CROSS_CHECKS,
  ...Object.fromEntries(DETECTORS.map(({ id, meaning }) => [id, { severity: 'info', dimension: 'accuracy', meaning }] as const)),
}
