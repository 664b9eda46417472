import type { Finding } from '../core/finding.ts'
import { parseArchiveKey } from '../sources/binance/archive-key.ts'
import type { BuildOutcome } from './build-file.ts'

/** What making one data file has shown to be wrong with its inputs. */
export function buildFindings(table: string, outcome: BuildOutcome): Finding[] {
  const findings: Finding[] = outcome.refused.map(({ key, code, message }) => ({
    check: code.toLowerCase(),
    severity: 'error',
    table,
    symbol: parseArchiveKey(key).symbol,
    from: null,
    to: null,
    count: 1,
    explanation: `${message}; the object is quarantined`,
  }))
  for (const { key, sha256, evidence } of outcome.decoded) {
    if (evidence.rejected > 0) findings.push(rejectedRows(table, key, sha256, evidence.rejected))
  }
  const { dropped, conflicting, conflicts } = outcome.duplicates
  const symbols = [...new Set(outcome.decoded.map(({ key }) => parseArchiveKey(key).symbol))]
  const symbol = symbols.length === 1 ? (symbols[0] ?? null) : null
  if (dropped > 0) {
    const explanation = `${dropped} rows repeat the key of an earlier one and were dropped: the first read stays, monthly files before daily ones`
    findings.push({ check: 'duplicate_rows', severity: 'warning', table, symbol, from: null, to: null, count: dropped, explanation })
  }
  for (const conflict of conflicts) {
    const explanation = `two rows with one key differ: kept ${conflict.kept}, dropped ${conflict.dropped}`
    findings.push({
      check: 'conflicting_duplicates',
      severity: 'error',
      table,
      symbol: conflict.symbol,
      from: conflict.at,
      to: conflict.at,
      count: 1,
      explanation,
    })
  }
  if (conflicting > conflicts.length) {
    const explanation = `${conflicting} keys have rows that differ; the first ${conflicts.length} are listed`
    findings.push({
      check: 'conflicting_duplicates',
      severity: 'error',
      table,
      symbol: null,
      from: null,
      to: null,
      count: conflicting,
      explanation,
    })
  }
  return findings
}

function rejectedRows(table: string, key: string, sha256: string, count: number): Finding {
  const explanation = `${count} lines of ${key} could not be typed: quarantine/rows/${table}/${sha256}.ndjson`
  return { check: 'rejected_rows', severity: 'error', table, symbol: parseArchiveKey(key).symbol, from: null, to: null, count, explanation }
}
