import { LakehouseError } from '../../core/errors.ts'
import { namePatterns } from '../../core/patterns.ts'
import { formatInstant } from '../../core/time.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { discoverSymbols } from '../../sources/archive/discover.ts'
import { planArchive } from '../../sources/archive/plan-archive.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { formatBytes } from '../format.ts'
import { parseExchange, parseSelection, parseTypes, SELECTION_OPTIONS } from '../selection.ts'

export const catalog: Command = {
  summary: 'Show what the archive holds',
  usage: 'matrix|symbols|files [OPTIONS]',
  options: { ...SELECTION_OPTIONS, type: { type: 'string', value: 'TYPE', help: 'one data type (default: all)' } },
  examples: ['crypto-lakehouse catalog files --market spot --type klines --symbols "BTC*" --interval 1d --from 2024-01-01 --to 2024-02-01'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [what = 'matrix', ...more] = context.args
  if (more.length > 0) throw new LakehouseError('USAGE', 'catalog takes one of matrix, symbols, files')
  if (what === 'matrix') return matrix(context)
  if (what === 'symbols') return await symbols(context)
  if (what === 'files') return await files(context)
  throw new LakehouseError('USAGE', `catalog has no "${what}": matrix, symbols or files`)
}

function selectedTypes(context: CommandContext) {
  return parseTypes(text(context.values, 'type') ?? 'all')
}

function matrix(context: CommandContext): CommandResult {
  const { markets } = parseSelection(context.values, context.nowMs())
  const types = selectedTypes(context)
  const source = parseExchange(context.values)
  const offers = source.offers.filter(
    ({ dataset, market }) => types.includes(dataset) && (markets.length === 0 || markets.includes(market)),
  )
  const items = offers.map(({ market, dataset, archive }) => ({
    market,
    type: dataset,
    daily: archive.periods.daily ?? null,
    monthly: archive.periods.monthly ?? null,
    firstDate: archive.firstDate,
    discontinued: archive.discontinued ?? null,
    header: archive.header,
    timeUnit: archive.timeUnit,
    columns: source.archive.format(dataset, market).columns.map(({ headers }) => headers[0]),
    quirks: archive.quirks,
  }))
  if (!context.json) {
    const intervals = (list: readonly string[] | null) => (list === null ? '–' : list.length === 0 ? 'yes' : list.join(' '))
    const rows = items.map((item) => [
      item.market,
      item.type,
      intervals(item.daily),
      intervals(item.monthly),
      item.firstDate,
      item.discontinued ?? '',
    ])
    context.out(`${textTable(['market', 'type', 'daily', 'monthly', 'first', 'discontinued'], rows)}\n`)
  }
  return { status: 'done', counts: { items: items.length }, body: { items } }
}

async function symbols(context: CommandContext): Promise<CommandResult> {
  const { exchange, markets, symbols: patterns } = parseSelection(context.values, context.nowMs())
  const types = selectedTypes(context)
  const { matches } = namePatterns(patterns)
  const items: { market: string; type: string; symbol: string }[] = []
  const strange: string[] = []
  await (await context.open()).withArchive(exchange, async (archive) => {
    for (const { market, dataset } of archive.source.offers) {
      if (!types.includes(dataset) || (markets.length > 0 && !markets.includes(market))) continue
      const found = await discoverSymbols(archive, market, dataset)
      strange.push(...found.unparsed)
      for (const symbol of found.symbols.filter(matches)) items.push({ market, type: dataset, symbol })
    }
  })
  if (!context.json) for (const { market, type, symbol } of items) context.out(`${market}\t${type}\t${symbol}\n`)
  for (const name of strange) context.note(`not a symbol: ${name}\n`)
  return { status: 'done', counts: { items: items.length }, body: { items, unparsed: strange } }
}

/** The files that cover what is asked for: what `ingest` would fetch. */
async function files(context: CommandContext): Promise<CommandResult> {
  const selection = parseSelection(context.values, context.nowMs())
  const items: unknown[] = []
  const uncovered: unknown[] = []
  let bytes = 0
  await (await context.open()).withArchive(selection.exchange, async (archive) => {
    for await (const planned of planArchive(archive, { types: selectedTypes(context), ...selection, now: context.nowMs() * 1000 })) {
      for (const { key, file, object } of planned.files) {
        const item = {
          key,
          market: file.market,
          type: file.dataset,
          symbol: file.symbol,
          interval: file.interval ?? null,
          period: file.period,
          date: file.date,
        }
        const lastModified = formatInstant(object.lastModifiedMs * 1000)
        items.push({ ...item, size: object.size, lastModified })
        bytes += Math.max(0, object.size)
        if (!context.json) context.out(`${String(object.size).padStart(12)}  ${lastModified}  ${key}\n`)
      }
      const { market, dataset: type, symbol, interval } = planned.series
      for (const gap of planned.uncovered)
        uncovered.push({ market, type, symbol, interval, from: formatInstant(gap.start), to: formatInstant(gap.end), reason: gap.reason })
    }
  })
  if (!context.json) context.note(`${items.length} files, ${formatBytes(bytes)}\n`)
  return { status: 'done', counts: { items: items.length, bytes }, body: { items, uncovered } }
}
