/** A bar to draw. `time` is ISO 8601; incomplete bars are marked. */
export type Candle = {
  readonly time: string
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly complete: boolean
}

const GREEN = '\x1b[32m'
const RED = '\x1b[31m'
const RESET = '\x1b[0m'

/** A candlestick chart in text, with one column per candle: a thin line from high to low, a block from open to close. Prices are on the left. */
export function textChart(candles: readonly Candle[], options: { height: number; color: boolean }): string {
  if (candles.length === 0) return '(no bars)'
  const top = Math.max(...candles.map((candle) => candle.high))
  const bottom = Math.min(...candles.map((candle) => candle.low))
  const step = (top - bottom || 1) / options.height
  const rows = Array.from({ length: options.height }, (_, row) => {
    const upper = top - row * step
    const cells = candles.map((candle) => cell(candle, upper - step, upper, options.color)).join('')
    return `${formatPrice(upper - step / 2).padStart(12)} ${cells}`
  })
  return [...rows, `${' '.repeat(13)}${candles[0]?.time.slice(0, 10)} … ${candles.at(-1)?.time.slice(0, 10)}`].join('\n')
}

function cell(candle: Candle, lower: number, upper: number, color: boolean): string {
  const reaches = (from: number, to: number) => to >= lower && from <= upper
  const rising = candle.close >= candle.open
  const body = reaches(Math.min(candle.open, candle.close), Math.max(candle.open, candle.close))
  if (!body && !reaches(candle.low, candle.high)) return '  '
  const mark = body ? (rising ? '█' : '▒') : '│'
  return color ? `${rising ? GREEN : RED}${mark}${RESET} ` : `${mark} `
}

function formatPrice(price: number): string {
  return price >= 100 ? price.toFixed(2) : price.toPrecision(6)
}

/** A standalone page with one candlestick chart per symbol: volume below, incomplete bars hatched, values on hover. No script, no network. */
export function htmlChart(title: string, symbols: ReadonlyMap<string, readonly Candle[]>, notes: readonly string[]): string {
  const charts = [...symbols].map(([symbol, candles]) => `<h2>${escapeHtml(symbol)}</h2>\n${svgChart(candles)}`)
  const list = notes.length === 0 ? '' : `<h2>Findings</h2><ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; --up: #0a7d4f; --down: #b3362b; --rule: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; } text { font-size: 11px; fill: currentColor; opacity: .7; }
.up { stroke: var(--up); fill: var(--up); } .down { stroke: var(--down); fill: var(--down); } .part { opacity: .4; } line.rule { stroke: var(--rule); }
</style></head><body><h1>${escapeHtml(title)}</h1>
${charts.join('\n')}
${list}
</body></html>
`
}

const WIDTH = 960
const PRICE_HEIGHT = 300
const VOLUME_HEIGHT = 70
const LEFT = 70

function svgChart(candles: readonly Candle[]): string {
  if (candles.length === 0) return '<p>No bars.</p>'
  const top = Math.max(...candles.map((candle) => candle.high))
  const bottom = Math.min(...candles.map((candle) => candle.low))
  const most = Math.max(...candles.map((candle) => candle.volume)) || 1
  const slot = (WIDTH - LEFT) / candles.length
  const y = (price: number) => round(10 + ((top - price) / (top - bottom || 1)) * PRICE_HEIGHT)
  const marks = candles.map((candle, index) => {
    const x = round(LEFT + (index + 0.5) * slot)
    const width = round(Math.max(1, slot * 0.7))
    const [upper, lower] = [y(Math.max(candle.open, candle.close)), y(Math.min(candle.open, candle.close))]
    const bar = round((candle.volume / most) * VOLUME_HEIGHT)
    const tip = `${candle.time} open ${candle.open} high ${candle.high} low ${candle.low} close ${candle.close} volume ${candle.volume}${candle.complete ? '' : ' (incomplete)'}`
    const body = `<rect x="${round(x - width / 2)}" y="${upper}" width="${width}" height="${round(Math.max(1, lower - upper))}"/>`
    const volume = `<rect x="${round(x - width / 2)}" y="${round(PRICE_HEIGHT + 30 + VOLUME_HEIGHT - bar)}" width="${width}" height="${bar}" stroke="none" opacity=".5"/>`
    return `<g class="${candle.close >= candle.open ? 'up' : 'down'}${candle.complete ? '' : ' part'}"><title>${escapeHtml(tip)}</title><line x1="${x}" x2="${x}" y1="${y(candle.high)}" y2="${y(candle.low)}"/>${body}${volume}</g>`
  })
  const rules = Array.from({ length: 5 }, (_, n) => {
    const price = bottom + ((top - bottom) * n) / 4
    return `<line class="rule" x1="${LEFT}" x2="${WIDTH}" y1="${y(price)}" y2="${y(price)}"/><text x="${LEFT - 6}" y="${y(price) + 4}" text-anchor="end">${formatPrice(price)}</text>`
  })
  const bottomLine = PRICE_HEIGHT + 30 + VOLUME_HEIGHT + 16
  const dates = `<text x="${LEFT}" y="${bottomLine}">${candles[0]?.time}</text><text x="${WIDTH}" y="${bottomLine}" text-anchor="end">${candles.at(-1)?.time}</text>`
  return `<svg viewBox="0 0 ${WIDTH} ${bottomLine + 6}" role="img">${rules.join('')}${marks.join('')}${dates}</svg>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
