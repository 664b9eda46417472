import { LakehouseError } from '../../core/errors.ts'
import { parseInstant } from '../../core/time.ts'
import { universe as listSymbols } from '../../operations/universe.ts'
import { universeKeepInstruments } from '../../operations/universe-keep-instruments.ts'
import { universeKeepListing } from '../../operations/universe-keep-listing.ts'
import { universePage } from '../../pages/quality-page.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { CONTRACT_TYPES } from '../../sources/contract.ts'
import { type Command, type CommandContext, type CommandResult, list, resultOf, text } from '../command.ts'
import { HTML_OPTION, writeHtml } from '../html.ts'
import { SELECTION_OPTIONS } from '../selection.ts'

export const universe: Command = {
  summary: 'List symbols that existed at a date, including delisted ones',
  operations: ['universe', 'universe.keep-listing', 'universe.keep-instruments'],
  usage: '[DATE] [OPTIONS]',
  options: {
    exchange: SELECTION_OPTIONS.exchange,
    market: SELECTION_OPTIONS.market,
    quote: { type: 'string', value: 'ASSET,…', help: 'quote assets: USDT, USDC …' },
    contract: { type: 'string', value: 'TYPE,…', help: CONTRACT_TYPES.join(', ') },
    listing: { type: 'boolean', help: 'first store the archive listing: symbols and days' },
    archive: SELECTION_OPTIONS.archive,
    'exchange-info': {
      type: 'string',
      value: 'FILE',
      help: 'first store an exchange answer; adds symbols without rows',
    },
    ...HTML_OPTION,
    plain: { type: 'boolean', help: 'exclude leveraged tokens and pairs of stable coins' },
  },
  examples: [
    'crypto-lakehouse universe 2021-06-01 --market spot --quote USDT --plain',
    'crypto-lakehouse universe --exchange-info answer.json --json',
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { values } = context
  const [at, ...more] = context.args
  if (more.length > 0 || (at !== undefined && parseInstant(at) === undefined))
    throw new LakehouseError('USAGE', 'universe takes at most one date: write YYYY-MM-DD or ISO 8601')
  const contractTypes = list(values, 'contract').map((name) => {
    const type = CONTRACT_TYPES.find((one) => one === name)
    if (type === undefined) throw new LakehouseError('USAGE', `unknown contract type "${name}": write one of ${CONTRACT_TYPES.join(', ')}`)
    return type
  })
  const [exchange, markets, archive] = [text(values, 'exchange'), list(values, 'market'), text(values, 'archive')]
  const [file, isListing] = [text(values, 'exchange-info'), values['listing'] === true]
  if (archive !== undefined && !isListing)
    throw new LakehouseError('USAGE', '--archive applies only to --listing: add --listing, or remove --archive')
  const chosen = { at, exchange, markets, quotes: list(values, 'quote'), contractTypes, plain: values['plain'] === true }
  if (isListing) await context.call(universeKeepListing, { archive, exchange, markets })
  const kept = file === undefined ? {} : await keep(context, exchange, file)
  const outcome = await context.call(listSymbols, chosen)
  const { items } = outcome.result
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
  return { ...resultOf(outcome), body: { items, ...kept } }
}

async function keep(context: CommandContext, exchange: string | undefined, file: string) {
  const { result } = await context.call(universeKeepInstruments, { exchange, file })
  const { symbols, market, takenAt } = result.kept
  if (!context.json) context.note(`stored the exchange's answer of ${takenAt}: ${symbols} symbols of ${market}\n`)
  return result
}
