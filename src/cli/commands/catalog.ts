import { LakehouseError } from '../../core/errors.ts'
import { formatBytes } from '../../core/format.ts'
import { catalogFiles } from '../../operations/catalog-files.ts'
import { catalogMatrix } from '../../operations/catalog-matrix.ts'
import { catalogSymbols } from '../../operations/catalog-symbols.ts'
import { textTable } from '../../query/formats/text-table.ts'
import { type Command, type CommandContext, type CommandResult, list, resultOf, text } from '../command.ts'
import { SELECTION_OPTIONS, selection } from '../selection.ts'

export const catalog: Command = {
  summary: 'Show what the archive holds',
  operations: ['catalog.matrix', 'catalog.symbols', 'catalog.files'],
  usage: 'matrix|symbols|files [OPTIONS]',
  options: { ...SELECTION_OPTIONS, type: { type: 'string', value: 'TYPE', help: 'data type (default: all)' } },
  examples: ['crypto-lakehouse catalog files --market spot --type klines --symbols "BTC*" --interval 1d --from 2024-01-01 --to 2024-02-01'],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const [what = 'matrix', ...more] = context.args
  if (more.length > 0) throw new LakehouseError('USAGE', 'catalog takes one verb: catalog matrix, catalog symbols or catalog files')
  if (what === 'matrix') return await matrix(context)
  if (what === 'symbols') return await symbols(context)
  if (what === 'files') return await files(context)
  throw new LakehouseError('USAGE', `catalog has no verb "${what}": write catalog matrix, catalog symbols or catalog files`)
}

function chosen({ values }: CommandContext) {
  return { archive: text(values, 'archive'), types: list(values, 'type'), ...selection(values) }
}

async function matrix(context: CommandContext): Promise<CommandResult> {
  const { exchange, markets, types } = chosen(context)
  const outcome = await context.call(catalogMatrix, { exchange, markets, types })
  if (!context.json) {
    const intervals = (some: readonly string[] | null) => (some === null ? '–' : some.length === 0 ? 'yes' : some.join(' '))
    const rows = outcome.result.items.map((item) => [
      item.market,
      item.type,
      intervals(item.daily),
      intervals(item.monthly),
      item.firstDate,
      item.discontinued ?? '',
    ])
    context.out(`${textTable(['market', 'type', 'daily', 'monthly', 'first', 'discontinued'], rows)}\n`)
  }
  return resultOf(outcome)
}

async function symbols(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(catalogSymbols, chosen(context))
  const { items, unparsed } = outcome.result
  if (!context.json) for (const { market, type, symbol } of items) context.out(`${market}\t${type}\t${symbol}\n`)
  for (const name of unparsed) context.note(`not a symbol: ${name}\n`)
  return resultOf(outcome)
}

async function files(context: CommandContext): Promise<CommandResult> {
  const outcome = await context.call(catalogFiles, chosen(context), {
    onItem: ({ key, size, lastModified }) =>
      context.json ? undefined : context.out(`${String(size).padStart(12)}  ${lastModified}  ${key}\n`),
  })
  for (const key of outcome.result.unparsed) context.note(`left out, not a key of the archive: ${key}\n`)
  const { items, bytes } = outcome.counts
  if (!context.json) context.note(`${items} files, ${formatBytes(bytes)}\n`)
  return resultOf(outcome)
}
