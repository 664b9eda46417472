import { readFile } from 'node:fs/promises'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { parseInstant } from '../../core/time.ts'
import { universePage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import type { KeptExchangeInfo } from '../../silver/universe/exchange-info.ts'
import { type ListedSymbol, listedStretches } from '../../sources/archive/listed-stretches.ts'
import { CONTRACT_TYPES, type Source } from '../../sources/contract.ts'
import { type Command, type CommandContext, type CommandResult, list, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { parseExchange, parseMarket, SELECTION_OPTIONS } from '../selection.ts'

export const universe: Command = {
  summary: 'Which symbols there were at a time, also those that are gone',
  usage: '[DATE] [OPTIONS]',
  options: {
    exchange: SELECTION_OPTIONS.exchange,
    market: SELECTION_OPTIONS.market,
    quote: { type: 'string', value: 'ASSET,…', help: 'quote assets: USDT, USDC …' },
    contract: { type: 'string', value: 'TYPE,…', help: CONTRACT_TYPES.join(', ') },
    listing: { type: 'boolean', help: 'keep what the archive lists first: every symbol with the days of its files' },
    archive: SELECTION_OPTIONS.archive,
    'exchange-info': {
      type: 'string',
      value: 'FILE',
      help: 'keep an answer of the exchange about its instruments first: it knows symbols that the lake has no rows of',
    },
    ...HTML_OPTION,
    plain: { type: 'boolean', help: 'no leveraged tokens, no pairs of two stable coins' },
  },
  examples: [
    'crypto-lakehouse universe 2021-06-01 --market spot --quote USDT --plain',
    'crypto-lakehouse universe --exchange-info answer.json --json',
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [date, ...more] = context.args
  const at = date === undefined ? undefined : parseInstant(date)
  if (more.length > 0 || (date !== undefined && at === undefined))
    throw new LakehouseError('USAGE', 'universe takes one date: YYYY-MM-DD or ISO 8601')
  const contractTypes = list(context.values, 'contract').map((name) => {
    const type = CONTRACT_TYPES.find((one) => one === name)
    if (type === undefined) throw new LakehouseError('USAGE', `unknown contract type "${name}": one of ${CONTRACT_TYPES.join(' ')}`)
    return type
  })
  const source = parseExchange(context.values)
  const markets = list(context.values, 'market').map((name) => parseMarket(source, name))
  const exchanges = list(context.values, 'exchange')
  const filter = { at, exchanges, markets, quotes: list(context.values, 'quote'), contractTypes, plain: context.values['plain'] === true }
  if (text(context.values, 'archive') !== undefined && context.values['listing'] !== true)
    throw new LakehouseError('USAGE', '--archive belongs to --listing')
  if (context.values['listing'] === true) await keepListings(context, source, markets)
  const info = text(context.values, 'exchange-info')
  const kept = info === undefined ? undefined : await keep(context, source, info)
  const items = await (await context.open()).withQuality(false, (quality) => quality.universe(filter))
  if (!context.json) {
    const rows = items.map((one) => [
      one.market,
      one.symbol,
      one.base,
      one.quote,
      one.contractType,
      one.multiplier,
      one.firstSeen.slice(0, 10),
      one.lastSeen.slice(0, 10),
      one.status,
    ])
    context.out(
      `${textTable(['market', 'symbol', 'base', 'quote', 'contract', 'multiplier', 'first seen', 'last seen', 'status'], rows)}\n`,
    )
  }
  await writeHtml(context, (madeAt) => universePage(items, madeAt))
  return { status: 'done', counts: { symbols: items.length }, body: { items, ...(kept === undefined ? {} : { kept }) } }
}

async function keepListings(context: CommandContext, source: Source, markets: readonly string[]): Promise<void> {
  const house = await context.open()
  const around = { nowUs: context.nowMs() * 1000, signal: context.signal }
  await house.withArchive(source.id, async (archive) => {
    for (const market of markets.length === 0 ? Object.keys(source.markets) : markets) {
      const symbols: ListedSymbol[] = []
      for await (const one of listedStretches(archive, market, around)) symbols.push(one)
      if (symbols.length > 0) await house.withQuality(true, (quality) => quality.keepListing(source.id, market, symbols))
    }
  })
  await house.withGold((gold) => gold.updateUniverse())
}

async function keep(context: CommandContext, source: Source, file: string): Promise<KeptExchangeInfo> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new LakehouseError('EXCHANGE_INFO_INVALID', `${file} cannot be read: ${asLakehouseError(error).message}`, { details: { file } })
  })
  const house = await context.open()
  const kept = await house.withQuality(true, (quality) => quality.keepExchangeInfo(source.id, bytes, file))
  await house.withGold((gold) => gold.updateUniverse())
  if (!context.json) context.note(`kept what the exchange said of ${kept.symbols} symbols of ${kept.market} at ${kept.takenAt}\n`)
  return kept
}
