import { type Finding, wholeFinding } from '../../core/finding.ts'
import { quarantinedRowsKey } from '../../lake/layout.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import type { BuildOutcome } from './build-file.ts'
import type { Refusal } from './inputs.ts'

/** What making data files has shown to be wrong with their inputs. */
export function buildFindings(name: string, outcomes: readonly BuildOutcome[], refused: readonly Refusal[]): Finding[] {
  const table = `silver.${name}`
  const refusals = refused.map(({ key, code, message, lost }): Finding => {
    const explanation = `${message}; ${lost ? 'the next ingestion fetches it again' : 'the object is quarantined'}`
    return {
      check: code.toLowerCase(),
      severity: 'error',
      table,
      symbol: parseObjectKey(key).symbol,
      from: null,
      to: null,
      count: 1,
      explanation,
    }
  })
  return [...refusals, ...rejectedRows(name, outcomes), ...outcomes.flatMap((outcome) => duplicateFindings(table, outcome))]
}

function duplicateFindings(table: string, { decoded, duplicates }: BuildOutcome): Finding[] {
  const { dropped, conflicting, conflicts } = duplicates
  if (dropped === 0) return []
  const symbols = [...new Set(decoded.map(({ key }) => parseObjectKey(key).symbol))]
  const symbol = symbols.length === 1 ? (symbols[0] ?? null) : null
  const rule = `${dropped} rows repeat the key of an earlier one and were dropped: the first read stays, monthly files before daily ones`
  const findings: Finding[] = [
    { check: 'duplicate_rows', severity: 'warning', table, symbol, from: null, to: null, count: dropped, explanation: rule },
  ]
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
    findings.push(wholeFinding(table, 'conflicting_duplicates', 'error', conflicting, explanation))
  }
  return findings
}

/** One finding per object, though its rows may lie in several data files. */
function rejectedRows(name: string, outcomes: readonly BuildOutcome[]): Finding[] {
  const rejecting = new Map(
    outcomes.flatMap(({ decoded }) => decoded.filter(({ evidence }) => evidence.rejected > 0).map((input) => [input.key, input])),
  )
  return [...rejecting.values()].map(({ key, sha256, evidence }): Finding => {
    const explanation = `${evidence.rejected} lines of ${key} could not be typed: ${quarantinedRowsKey(name)}/${sha256}.ndjson`
    const { symbol } = parseObjectKey(key)
    return {
      check: 'rejected_rows',
      severity: 'error',
      table: `silver.${name}`,
      symbol,
      from: null,
      to: null,
      count: evidence.rejected,
      explanation,
    }
  })
}
