import type { Finding } from '../core/finding.ts'
import type { Assessment } from './assess.ts'
import { DIMENSIONS } from './checks/check.ts'

/** The score of a symbol on a day; null where nothing could be judged. */
export type DayScore = { readonly table: string; readonly symbol: string; readonly day: string; readonly score: number | null }

/** So many symbols of a table get a calendar, the worst first. */
const CALENDARS = 12

/** So many findings are listed. */
const LISTED = 200

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--dim:#888}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:.95rem;margin:1rem 0 .2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}
td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}td:first-child,th:first-child,.text td{text-align:left}
.text td{white-space:normal}.bar{display:inline-block;height:.6rem;background:#2a9d5c;vertical-align:middle}
svg{max-width:100%;height:auto}svg text{font-size:9px;fill:currentColor}
.error{color:#c0392b}.warning{color:#b9770e}.info{color:var(--dim)}
@media print{body{max-width:none}.scroll{overflow:visible}svg,table{break-inside:avoid}}`

/** One HTML page that needs nothing else: scores by table, a calendar of each symbol, the findings. */
export function qualityPage(
  assessments: readonly Assessment[],
  days: readonly DayScore[],
  findings: readonly Finding[],
  madeAt: string,
): string {
  const bySymbol = Map.groupBy(days, ({ table, symbol }) => JSON.stringify([table, symbol]))
  const sections = assessments.map(({ table }) => {
    const symbols = [...bySymbol.values()].filter((some) => some[0]?.table === table).sort((a, b) => mean(a) - mean(b))
    const charts = symbols
      .slice(0, CALENDARS)
      .map((some) => `<h3>${text(some[0]?.symbol ?? '')}: ${mean(some).toFixed(1)}</h3><div class="scroll">${calendar(some)}</div>`)
    const more = symbols.length > CALENDARS ? `<p>… and ${symbols.length - CALENDARS} symbols that score better</p>` : ''
    return `<h2>${text(table)}</h2>${charts.join('')}${more}`
  })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Data quality</title><style>${STYLE}</style>
<h1>Data quality</h1><p>As of ${text(madeAt)}. A score is 0–100; parts are shares of good rows.</p>
<div class="scroll"><table><tr><th>table<th>rows<th>days<th>score<th>${DIMENSIONS.map((part) => `<th>${part}`).join('')}</tr>
${assessments.map(summaryRow).join('\n')}</table></div>
${sections.join('\n')}
<h2>Findings</h2>${findings.length === 0 ? '<p>None.</p>' : findingTable(findings)}</html>
`
}

function summaryRow({ table, rows, days, score, parts }: Assessment): string {
  const width = score === null ? 0 : Math.round(score)
  const cells = DIMENSIONS.map((part) => `<td>${parts[part] === null ? '–' : (parts[part] ?? 0).toFixed(4)}`)
  return `<tr><td>${text(table)}<td>${rows.toLocaleString('en')}<td>${days.toLocaleString('en')}<td>${score === null ? '–' : score.toFixed(1)}<td><span class="bar" style="width:${width}px"></span>${cells.join('')}</tr>`
}

function findingTable(findings: readonly Finding[]): string {
  const rows = findings
    .slice(0, LISTED)
    .map(
      ({ severity, check, table, symbol, from, to, count, explanation }) =>
        `<tr><td class="${severity}">${severity}<td>${text(check)}<td>${text(table)} ${text(symbol ?? '')}<td>${text(from ?? '')}${to === null ? '' : ` – ${text(to)}`}<td>${count}<td>${text(explanation)}</tr>`,
    )
  const more =
    findings.length > LISTED ? `<p>… and ${findings.length - LISTED} more: <code>crypto-lakehouse findings --json</code></p>` : ''
  return `<div class="scroll"><table class="text"><tr><th>severity<th>rule<th>where<th>when<th>rows<th>what</tr>${rows.join('')}</table></div>${more}`
}

/** A square a day, a column a week, a row a weekday; years one below the other. */
function calendar(days: readonly DayScore[]): string {
  const years = Map.groupBy(days, ({ day }) => day.slice(0, 4))
  const blocks = [...years].map(([year, some], index) => {
    const first = Date.UTC(Number(year), 0, 1)
    const offset = (new Date(first).getUTCDay() + 6) % 7
    const squares = some.map(({ day, score }) => {
      const n = (Date.parse(`${day}T00:00:00Z`) - first) / 86_400_000 + offset
      return `<rect x="${40 + Math.floor(n / 7) * 11}" y="${index * 84 + (n % 7) * 11}" width="10" height="10" fill="${color(score)}"><title>${day}: ${score ?? '–'}</title></rect>`
    })
    return `<text x="0" y="${index * 84 + 10}">${year}</text>${squares.join('')}`
  })
  return `<svg viewBox="0 0 630 ${years.size * 84}" width="630" role="img">${blocks.join('')}</svg>`
}

/** From red over yellow to green. */
function color(score: number | null): string {
  return score === null ? '#8884' : `hsl(${Math.round(Math.max(0, (score - 50) * 2.6))} 65% 45%)`
}

function mean(days: readonly DayScore[]): number {
  const judged = days.flatMap(({ score }) => (score === null ? [] : [score]))
  return judged.reduce((sum, score) => sum + score, 0) / Math.max(1, judged.length)
}

function text(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
