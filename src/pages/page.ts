const STYLE = `
:root{color-scheme:light dark;--line:#8884;--dim:#888}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:.95rem;margin:1rem 0 .2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}
td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}
.gauge{white-space:nowrap}.bar{display:inline-block;height:.6rem;background:#2a9d5c;vertical-align:middle}
svg{max-width:100%;height:auto}svg text{font-size:9px;fill:currentColor}.chart text{font-size:12px}
.error{color:#c0392b}.warning{color:#b9770e}.info{color:var(--dim)}
@media print{body{max-width:none}.scroll{overflow:visible}svg,table{break-inside:avoid}}`

/** HTML that goes into a page unchanged; everything else is text and is escaped. */
export type Html = { readonly html: string }

/** A self-contained page for screens of any width and for paper. */
export function page(title: string, introduction: string, sections: readonly Html[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style>
<h1>${escaped(title)}</h1><p>${escaped(introduction)}</p>
${sections.map(({ html }) => html).join('\n')}</html>
`
}

export function section(title: string, ...parts: readonly Html[]): Html {
  return { html: `<h2>${escaped(title)}</h2>${parts.map(({ html }) => html).join('')}` }
}

export function heading(title: string): Html {
  return { html: `<h3>${escaped(title)}</h3>` }
}

export function paragraph(text: string): Html {
  return { html: `<p>${escaped(text)}</p>` }
}

/** A table with right-aligned numbers. After `most` rows, it shows only the number of the remaining rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null | Html)[])[], most = 500): Html {
  if (rows.length === 0) return paragraph('None.')
  const isNumber = head.map((_, index) => rows.every((row) => typeof row[index] === 'number' || row[index] === null))
  const right = (index: number) => (isNumber[index] === true ? ' class="n"' : '')
  const cell = (value: string | number | null | Html) =>
    value === null
      ? '–'
      : typeof value === 'object'
        ? value.html
        : typeof value === 'number'
          ? value.toLocaleString('en', { maximumFractionDigits: 4 })
          : escaped(value)
  const lines = rows.slice(0, most).map((row) => `<tr>${row.map((value, index) => `<td${right(index)}>${cell(value)}`).join('')}</tr>`)
  const more = rows.length > most ? `<p>… and ${rows.length - most} more: --json lists them</p>` : ''
  return {
    html: `<div class="scroll"><table><tr>${head.map((name, index) => `<th${right(index)}>${escaped(name)}`).join('')}</tr>${lines.join('\n')}</table></div>${more}`,
  }
}

/** A word in the colour of its severity: error, warning or info. */
export function weighted(severity: string): Html {
  return { html: `<span class="${escaped(severity)}">${escaped(severity)}</span>` }
}

/** A number from 0 to 100 with a bar. */
export function gauge(value: number | null): Html {
  return {
    html:
      value === null
        ? '–'
        : `<span class="gauge">${value.toFixed(1)} <span class="bar" style="width:${Math.round(value)}px"></span></span>`,
  }
}

/** A chart of horizontal bars, the longest first. */
export function barChart(title: string, values: ReadonlyMap<string, number>, most = 20): Html {
  const bars = [...values].sort((a, b) => b[1] - a[1]).slice(0, most)
  const longest = Math.max(1, ...bars.map(([, value]) => value))
  const rows = bars.map(
    ([label, value], index) =>
      `<text x="0" y="${index * 20 + 13}">${escaped(label)}</text><rect x="220" y="${index * 20 + 3}" width="${Math.max(1, (value / longest) * 330).toFixed(1)}" height="12" fill="#2a9d5c"/><text x="${(226 + (value / longest) * 330).toFixed(1)}" y="${index * 20 + 13}">${value.toLocaleString('en')}</text>`,
  )
  return {
    html: `<svg class="chart" viewBox="0 0 640 ${bars.length * 20 + 4}" width="640" role="img" aria-label="${escaped(title)}">${rows.join('')}</svg>`,
  }
}

/** A line chart over ordered days (YYYY-MM-DD); y starts at zero. With `steps`, each value holds until the next one. */
export function lineChart(title: string, points: readonly (readonly [day: string, value: number])[], { steps = false } = {}): Html {
  const [first, last] = [points[0]?.[0] ?? '', points.at(-1)?.[0] ?? '']
  if (first === last) return paragraph(`${first}: ${points[0]?.[1] ?? '–'}`)
  const [start, end] = [Date.parse(first), Date.parse(last)]
  const highest = Math.max(1e-9, ...points.map(([, value]) => value))
  const x = (day: string) => (40 + (590 * (Date.parse(day) - start)) / (end - start)).toFixed(1)
  const y = (value: number) => (110 - (95 * value) / highest).toFixed(1)
  const line = points.map(([day, value], index) => {
    const held = points[index - 1]?.[1]
    return `${steps && held !== undefined ? `${x(day)},${y(held)} ` : ''}${x(day)},${y(value)}`
  })
  return {
    html: `<svg viewBox="0 0 640 126" width="640" role="img" aria-label="${escaped(title)}"><polyline points="${line.join(' ')}" fill="none" stroke="#2a9d5c" stroke-width="1.5"/><text x="0" y="18">${highest.toLocaleString('en', { maximumFractionDigits: 1 })}</text><text x="0" y="112">0</text><text x="40" y="124">${first}</text><text x="630" y="124" text-anchor="end">${last}</text></svg>`,
  }
}

/** The square of a day: from red (0) through yellow to green (1), grey when the share is not known. */
export type DaySquare = { readonly day: string; readonly share: number | null; readonly label: string }

/** A calendar with a square per day, a column per week, a row per weekday, and a block per year. */
export function calendar(days: readonly DaySquare[]): Html {
  const years = Map.groupBy(days, ({ day }) => day.slice(0, 4))
  const blocks = [...years].map(([year, some], index) => {
    const first = Date.UTC(Number(year), 0, 1)
    const offset = (new Date(first).getUTCDay() + 6) % 7
    const squares = some.map(({ day, share, label }) => {
      const n = (Date.parse(`${day}T00:00:00Z`) - first) / 86_400_000 + offset
      return `<rect x="${40 + Math.floor(n / 7) * 11}" y="${index * 84 + (n % 7) * 11}" width="10" height="10" fill="${color(share)}"><title>${day}: ${escaped(label)}</title></rect>`
    })
    return `<text x="0" y="${index * 84 + 10}">${year}</text>${squares.join('')}`
  })
  return { html: `<div class="scroll"><svg viewBox="0 0 630 ${years.size * 84}" width="630" role="img">${blocks.join('')}</svg></div>` }
}

function color(share: number | null): string {
  return share === null ? '#8884' : `hsl(${Math.round(Math.max(0, share) * 130)} 65% 45%)`
}

function escaped(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
