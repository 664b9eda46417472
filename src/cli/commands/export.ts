import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { EXPORTERS } from '../../gold/exporters/registry.ts'
import { readManifest } from '../../gold/training-set.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { EXAMPLE } from '../examples.ts'
import { formatCount } from '../format.ts'
import { requireSymbol } from '../made-rows.ts'
import { parseSelection, SELECTION_OPTIONS } from '../selection.ts'
import { parseCount } from '../transfer-options.ts'

export const exportBars: Command = {
  summary: 'Bars as other tools read them, and training sets that can be made again byte for byte',
  usage: 'TABLE --as TOOL --output DIR | --manifest FILE --output DIR [OPTIONS]',
  options: {
    as: {
      type: 'string',
      value: 'TOOL',
      help: `${EXPORTERS.map(({ id }) => id).join(', ')}, training`,
      choices: [...EXPORTERS.map(({ id }) => id), 'training'],
    },
    output: { type: 'string', value: 'DIR', help: 'where files go' },
    symbols: { type: 'string', value: 'GLOB', help: 'symbols, * and ? allowed (default: all)' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    features: { type: 'string', value: 'SPEC', help: "training: indicators, 'rsi(14), ema(20)'" },
    horizon: { type: 'string', value: 'N', help: 'training: the label is the return over so many bars' },
    folds: { type: 'string', value: 'N', help: 'training: blocks of time, each the test once (default: 5)' },
    embargo: { type: 'string', value: 'N', help: 'training: bars after a test that are not learnt from (default: the horizon)' },
    manifest: { type: 'string', value: 'FILE', help: 'training: make again what a manifest tells of' },
  },
  examples: [
    `crypto-lakehouse export ${EXAMPLE.hours} --as freqtrade --symbols BTCUSDT --output user_data/data/${EXAMPLE.exchange}`,
    `crypto-lakehouse export ${EXAMPLE.hours} --as training --features 'rsi(14), zscore(24)' --horizon 24 --output set`,
  ],
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  const { values } = context
  const [table, ...more] = context.args
  const [tool, output, again] = [text(values, 'as'), text(values, 'output'), text(values, 'manifest')]
  const isRight =
    more.length === 0 && output !== undefined && (again === undefined ? table !== undefined && tool !== undefined : table === undefined)
  if (!isRight || output === undefined)
    throw new LakehouseError('USAGE', 'export TABLE --as TOOL --output DIR, or export --manifest FILE --output DIR')
  refuse(
    context,
    again !== undefined
      ? ['as', 'symbols', 'from', 'to', 'features', 'horizon', 'folds', 'embargo']
      : tool === 'training'
        ? ['from', 'to']
        : ['features', 'horizon', 'folds', 'embargo'],
  )
  const symbols = text(values, 'symbols')
  if (table !== undefined && symbols !== undefined) await requireSymbol(context, table, symbols)
  if (again !== undefined) return await repeat(context, again, output)
  if (tool === 'training') return await train(context, table ?? '', output)
  const { range } = parseSelection(values, context.nowMs())
  const files = await (await context.open()).withGold((gold) =>
    gold.exportBars(table ?? '', tool ?? '', output, { symbols: symbols ?? '*', range }),
  )
  if (!context.json)
    context.out(
      `${formatCount(files.length)} files in ${output}${files.length > 0 ? `: ${files.slice(0, 5).join(', ')}${files.length > 5 ? ' …' : ''}` : ''}\n`,
    )
  return { status: 'done', counts: { files: files.length }, body: { output, items: files } }
}

/** Options of another mode would be passed over. */
function refuse({ values }: CommandContext, names: readonly string[]): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined) throw new LakehouseError('USAGE', `--${given} does not belong to this export`, { details: { option: given } })
}

async function train(context: CommandContext, source: string, output: string): Promise<CommandResult> {
  const { values } = context
  const [features, horizon] = [text(values, 'features'), parseCount('horizon', text(values, 'horizon'), 1)]
  if (features === undefined || horizon === undefined) throw new LakehouseError('USAGE', 'a training set takes --features and --horizon')
  const [folds, embargo] = [
    parseCount('folds', text(values, 'folds'), 2) ?? 5,
    parseCount('embargo', text(values, 'embargo'), 0) ?? horizon,
  ]
  const recipe = { source, symbols: text(values, 'symbols') ?? '*', features, horizon, folds, embargo }
  const made = await (await context.open()).withGold((gold) => gold.exportTrainingSet(recipe, output))
  await writeFile(join(output, 'manifest.json'), `${JSON.stringify(made, undefined, 1)}\n`)
  if (!context.json)
    context.out(
      `${join(output, 'features.parquet')}: ${formatCount(made.rows)} rows, sha256 ${made.sha256.slice(0, 12)}…; manifest.json makes it again\n`,
    )
  return { status: 'done', counts: { rows: made.rows }, body: { output, manifest: made } }
}

async function repeat(context: CommandContext, file: string, output: string): Promise<CommandResult> {
  const wanted = await readManifest(file)
  const { snapshot, version: _version, engine: _engine, rows: _rows, sha256, ...recipe } = wanted
  const made = await (await context.open()).withGold((gold) => gold.exportTrainingSet(recipe, output, { snapshot }))
  if (made.sha256 !== sha256) {
    await rm(join(output, 'features.parquet'), { force: true })
    throw new LakehouseError(
      'CHECKSUM_MISMATCH',
      `the training set came out as ${made.sha256.slice(0, 12)}…, not ${sha256.slice(0, 12)}…: rules ${wanted.version} and ${made.version}, engine ${wanted.engine} and ${made.engine}`,
      { details: { output } },
    )
  }
  if (!context.json) context.out(`${join(output, 'features.parquet')}: ${formatCount(made.rows)} rows, the same to the last byte\n`)
  return { status: 'done', counts: { rows: made.rows }, body: { output, manifest: made } }
}
