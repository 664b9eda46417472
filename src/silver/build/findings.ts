import { type Finding, wholeFinding } from '../../core/finding.ts'
import { quarantinedRowsKey } from '../../lake/layout.ts'
import { parseObjectKey } from '../../sources/objects.ts'
import type { BuildOutcome } from './build-file.ts'
import type { Refusal } from './inputs.ts'

/** Findings about the inputs of data files. */
export function buildFindings(name: string, outcomes: readonly BuildOutcome[], refused: readonly Refusal[]): Finding[] {
  const table = `silver.${name}`
  const refusals = refused.map(({ key, code, message, lost }): Finding => {
    const explanation = `${message}; ${lost ? 'the next `ingest` fetches the object again' : 'the object is quarantined, see `quarantine`'}`
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
  return [
    ...refusals,
    ...rejectedRows(name, outcomes),
    ...oddFiles(table, outcomes),
    ...outcomes.flatMap((outcome) => duplicateFindings(table, outcome)),
  ]
}

function duplicateFindings(table: string, { decoded, duplicates }: BuildOutcome): Finding[] {
  const { dropped, conflicting, conflicts } = duplicates
  if (dropped === 0) return []
  const symbols = [...new Set(decoded.map(({ key }) => parseObjectKey(key).symbol))]
  const symbol = symbols.length === 1 ? (symbols[0] ?? null) : null
  const rule = `${dropped} rows had the key of an earlier row and were dropped; the first row stays, and monthly files are read before daily ones`
  const findings: Finding[] = [
    { check: 'duplicate_rows', severity: 'warning', table, symbol, from: null, to: null, count: dropped, explanation: rule },
  ]
  for (const conflict of conflicts) {
    const explanation = `two rows with the same key differ: kept ${conflict.kept}, dropped ${conflict.dropped}`
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
    const explanation = `${conflicting} keys have differing rows; the first ${conflicts.length} are listed`
    findings.push(wholeFinding(table, 'conflicting_duplicates', 'error', conflicting, explanation))
  }
  return findings
}

/** Objects without any line, and objects whose zip holds an entry with the name of another file. */
function oddFiles(table: string, outcomes: readonly BuildOutcome[]): Finding[] {
  const inputs = new Map(outcomes.flatMap(({ decoded }) => decoded.map((input) => [input.key, input])))
  return [...inputs.values()].flatMap(({ key, entry, evidence }): Finding[] => {
    const { symbol } = parseObjectKey(key)
    const found = (check: string, explanation: string): Finding => ({
      check,
      severity: 'warning',
      table,
      symbol,
      from: null,
      to: null,
      count: 1,
      explanation,
    })
    const [file, inside] = [key, entry].map((name) => name.slice(name.lastIndexOf('/') + 1).replace(/\.[a-z]+$/i, ''))
    const isEmpty = evidence.rows + evidence.rejected + evidence.unused + evidence.elsewhere.size === 0
    return [
      ...(isEmpty ? [found('empty_file', `${key} has no rows: check whether the exchange publishes it again`)] : []),
      ...(file === inside ? [] : [found('entry_name', `${key} holds an entry with the name ${entry}: its rows were read all the same`)]),
    ]
  })
}

/** One finding per object, even if its rows are in several data files. */
function rejectedRows(name: string, outcomes: readonly BuildOutcome[]): Finding[] {
  const rejecting = new Map(
    outcomes.flatMap(({ decoded }) => decoded.filter(({ evidence }) => evidence.rejected > 0).map((input) => [input.key, input])),
  )
  return [...rejecting.values()].map(({ key, sha256, evidence }): Finding => {
    const explanation = `${evidence.rejected} lines of ${key} could not be decoded and are in ${quarantinedRowsKey(name)}/${sha256}.ndjson: see \`quarantine\``
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
