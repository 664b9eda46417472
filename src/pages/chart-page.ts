import type { Finding } from '../core/finding.ts'
import type { DayCoverage, GapReport } from '../silver/gaps/find-gaps.ts'
import { calendar, type Html, page, paragraph, section, table, weighted } from './page.ts'

/** Bars of one symbol in order, with the columns of indicators; times are ISO 8601. */
type ChartBar = {
  readonly time: string
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly values: Readonly<Record<string, number | null>>
}

export type ChartData = {
  readonly table: string
  readonly symbol: string
  readonly bars: readonly ChartBar[]
  readonly gaps: GapReport['gaps']
  readonly findings: readonly Finding[]
  readonly coverage: readonly DayCoverage[]
  readonly madeAt: string
}

const [WIDTH, LEFT, RIGHT] = [960, 8, 72]
const COLORS = ['#1f77b4', '#ff7f0e', '#9467bd', '#8c564b', '#e377c2', '#17becf', '#bcbd22', '#7f7f7f']

/** A page for one symbol: candles with the indicators on the price scale, volume, a panel for each other indicator, shaded gaps, marked findings, and a coverage calendar. */
export function chartPage({ table: name, symbol, bars, gaps, findings, coverage, madeAt }: ChartData): string {
  const [first, last] = [bars[0], bars.at(-1)]
  if (first === undefined || last === undefined) return page(`${symbol}`, `${name} has no bars of ${symbol} in this range.`, [])
  const names = Object.keys(first.values)
  const [low, high] = [extent(bars.map((bar) => bar.low))[0], extent(bars.map((bar) => bar.high))[1]]
  const isPrice = (column: string) => {
    const known = bars.flatMap((bar) => bar.values[column] ?? [])
    const [least, most] = extent(known)
    return known.length > 0 && least > low * 0.5 && most < high * 2
  }
  const overlays = names.filter(isPrice)
  const panels = names
    .filter((column) => !overlays.includes(column))
    .map((column) =>
      panel(
        column,
        bars.map((bar) => bar.values[column] ?? null),
      ),
    )
  const rows = gaps.map((gap) => [gap.gapStart, gap.gapEnd, gap.missingPeriods, gap.cause, gap.evidence])
  const found = findings.map((one) => [weighted(one.severity), one.check, one.from ?? '', one.count, one.explanation])
  const squares = coverage.map(({ day, share }) => ({ day, share, label: `${(share * 100).toFixed(1)} % in the lake` }))
  return page(`${symbol}: ${name}`, `${bars.length} bars from ${first.time} to ${last.time}. Page made ${madeAt}.`, [
    candles(bars, overlays, gaps, findings),
    panel(
      'volume',
      bars.map((bar) => bar.volume),
    ),
    ...panels,
    section('Gaps', table(['from', 'to', 'missing', 'cause', 'evidence'], rows)),
    section('Findings', table(['severity', 'rule', 'when', 'rows', 'what'], found)),
    section('What the lake holds', squares.length === 0 ? paragraph('The lake has no coverage of this symbol.') : calendar(squares)),
  ])
}

function candles(bars: readonly ChartBar[], overlays: readonly string[], gaps: GapReport['gaps'], findings: readonly Finding[]): Html {
  const height = 380
  const drawn = bars.flatMap((bar) => [bar.low, bar.high, ...overlays.flatMap((name) => bar.values[name] ?? [])])
  const [low, high] = extent(drawn)
  const y = (price: number) => (10 + ((high - price) / Math.max(high - low, 1e-12)) * (height - 30)).toFixed(1)
  const step = (WIDTH - LEFT - RIGHT) / bars.length
  const x = (index: number) => LEFT + (index + 0.5) * step
  const indexOf = (time: string) => bars.findIndex((bar) => bar.time >= time)
  const shapes = bars.map(({ open, high: top, low: bottom, close }, index) => {
    const color = close >= open ? '#2a9d5c' : '#c0392b'
    const body = Math.max(0.8, Math.abs(Number(y(open)) - Number(y(close))))
    return `<path d="M${x(index).toFixed(1)} ${y(top)}V${y(bottom)}" stroke="${color}" stroke-width="0.8"/><rect x="${(x(index) - step * 0.35).toFixed(1)}" y="${y(Math.max(open, close))}" width="${(step * 0.7).toFixed(1)}" height="${body.toFixed(1)}" fill="${color}"/>`
  })
  const lines = overlays.map((name, place) =>
    line(
      bars.map((bar) => bar.values[name] ?? null),
      x,
      (value) => y(value),
      COLORS[place % COLORS.length] ?? 'grey',
      name,
    ),
  )
  // Draw a gap before the first bar after it.
  const holes = gaps.flatMap(({ gapEnd, missingPeriods, cause }) => {
    const at = indexOf(gapEnd)
    return at < 0
      ? []
      : [
          `<rect x="${(x(at) - step).toFixed(1)}" y="0" width="${Math.max(3, step).toFixed(1)}" height="${height - 20}" fill="#e6a70055"><title>${missingPeriods} bars missing: ${cause}</title></rect>`,
        ]
  })
  const marks = findings.flatMap(({ check, from, severity }) => {
    const at = from === null ? -1 : indexOf(from.replace('.000Z', 'Z'))
    return at < 0
      ? []
      : [
          `<circle cx="${x(at).toFixed(1)}" cy="6" r="3" fill="${severity === 'error' ? '#c0392b' : severity === 'warning' ? '#b9770e' : '#888'}"><title>${check}</title></circle>`,
        ]
  })
  const scale = [high, (high + low) / 2, low].map(
    (price) => `<text x="${WIDTH - RIGHT + 4}" y="${y(price)}">${price.toPrecision(7)}</text>`,
  )
  const legend = overlays.map(
    (name, place) => `<text x="${LEFT + place * 130}" y="${height - 4}" style="fill:${COLORS[place % COLORS.length]}">${name}</text>`,
  )
  return {
    html: `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="candles">${[...holes, ...shapes, ...lines, ...marks, ...scale, ...legend].join('')}</svg>`,
  }
}

/** A panel below the candles with the same bars: volume as columns, other values as a line. */
function panel(name: string, values: readonly (number | null)[]): Html {
  const height = 90
  const known = values.flatMap((value) => value ?? [])
  const [least, high] = extent(known)
  const low = name === 'volume' ? 0 : least
  const step = (WIDTH - LEFT - RIGHT) / values.length
  const x = (index: number) => LEFT + (index + 0.5) * step
  const y = (value: number) => (6 + ((high - value) / Math.max(high - low, 1e-12)) * (height - 12)).toFixed(1)
  const shapes =
    name === 'volume'
      ? values.map(
          (value, index) =>
            `<rect x="${(x(index) - step * 0.35).toFixed(1)}" y="${y(value ?? 0)}" width="${(step * 0.7).toFixed(1)}" height="${(height - 6 - Number(y(value ?? 0))).toFixed(1)}" fill="#8888"/>`,
        )
      : [line(values, x, y, COLORS[0] ?? 'grey', name)]
  const scale =
    known.length === 0
      ? ''
      : `<text x="${WIDTH - RIGHT + 4}" y="12">${high.toPrecision(5)}</text><text x="${WIDTH - RIGHT + 4}" y="${height - 4}">${low.toPrecision(5)}</text>`
  return {
    html: `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="${name}"><text x="${LEFT}" y="12">${name}</text>${shapes.join('')}${scale}</svg>`,
  }
}

/** A line with breaks where values are missing. */
function line(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => string,
  color: string,
  name: string,
): string {
  let isDown = false
  const path = values.map((value, index) => {
    if (value === null) {
      isDown = false
      return ''
    }
    const command = isDown ? 'L' : 'M'
    isDown = true
    return `${command}${x(index).toFixed(1)} ${y(value)}`
  })
  return `<path d="${path.join('')}" fill="none" stroke="${color}" stroke-width="1.2"><title>${name}</title></path>`
}

/** The minimum and the maximum. A loop, because there may be more values than a function takes arguments. */
function extent(values: readonly number[]): [least: number, greatest: number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  return [least, greatest]
}
