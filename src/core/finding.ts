/** error: data is missing or wrong; warning: look at it; info: worth knowing. Errors and warnings make a run end with exit code 3. */
export const SEVERITIES = ['info', 'warning', 'error'] as const

export type Severity = (typeof SEVERITIES)[number]

/** Something noticed about the data. Times are ISO 8601 UTC, the range is half-open. */
export type Finding = {
  readonly check: string
  readonly severity: Severity
  readonly table: string
  readonly symbol: string | null
  readonly from: string | null
  readonly to: string | null
  readonly count: number
  readonly explanation: string
}

/** A finding about a whole table or location. */
export function wholeFinding(table: string, check: string, severity: Severity, count: number, explanation: string): Finding {
  return { check, severity, table, symbol: null, from: null, to: null, count, explanation }
}
