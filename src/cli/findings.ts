import type { Finding } from '../core/finding.ts'

/** At most this many findings are printed; --json prints all of them. */
const SHOWN = 12

/** Prints findings as lines, errors first; counts the remaining ones by check. */
export function findingLines(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return []
  const rank = { error: 0, warning: 1, info: 2 }
  const sorted = [...findings].sort((a, b) => rank[a.severity] - rank[b.severity])
  const lines = sorted.slice(0, SHOWN).map(({ severity, check, table, symbol, from, to, explanation }) => {
    const where = [table, symbol, from === null ? null : `${from}${to === null || to === from ? '' : ` – ${to}`}`]
      .filter((part) => part !== null)
      .join(' ')
    return `  ${severity.padEnd(8)} ${check}: ${where}: ${shorten(explanation)}`
  })
  const rest = new Map<string, number>()
  for (const { check } of sorted.slice(SHOWN)) rest.set(check, (rest.get(check) ?? 0) + 1)
  if (rest.size > 0) lines.push(`  …        and ${[...rest].map(([check, n]) => `${n} × ${check}`).join(', ')} (--json lists all)`)
  return lines
}

/** What happened and where is at the beginning of an explanation, and what to do next at its end. */
function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 139)}…${text.slice(-60)}`
}
