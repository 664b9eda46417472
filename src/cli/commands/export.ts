import { join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { formatCount } from '../../core/format.ts'
import { EXPORTERS } from '../../gold/exporters/registry.ts'
import { EXAMPLE } from '../../operations/examples.ts'
import { exportBars as exporting } from '../../operations/export-bars.ts'
import { exportRepeat } from '../../operations/export-repeat.ts'
import { exportTraining } from '../../operations/export-training.ts'
import { type Command, type CommandContext, type CommandResult, resultOf, text } from '../command.ts'
import { count } from '../numbers.ts'
import { range, SELECTION_OPTIONS } from '../selection.ts'

export const exportBars: Command = {
  summary: 'Export bars for other tools, and reproducible training sets',
  operations: ['export.bars', 'export.training', 'export.repeat'],
  usage: 'TABLE --as TOOL --output DIR | --manifest FILE --output DIR [OPTIONS]',
  options: {
    as: {
      type: 'string',
      value: 'TOOL',
      help: 'tool',
      choices: [...EXPORTERS.map(({ id }) => id), 'training'],
    },
    output: { type: 'string', value: 'DIR', help: 'folder to write the files to' },
    symbols: { type: 'string', value: 'GLOB', help: 'symbols; * and ? are wildcards (default: all)' },
    from: SELECTION_OPTIONS.from,
    to: SELECTION_OPTIONS.to,
    features: { type: 'string', value: 'SPEC', help: "training: indicators: 'rsi(14), ema(20)'" },
    horizon: { type: 'string', value: 'N', help: 'training: the label is the return over N bars' },
    folds: { type: 'string', value: 'N', help: 'training: time blocks, each the test once (default: 5)' },
    embargo: { type: 'string', value: 'N', help: 'training: bars left out after a test (default: horizon)' },
    manifest: { type: 'string', value: 'FILE', help: 'training: build the set of this manifest again' },
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
  const [tool, output, manifest] = [text(values, 'as'), text(values, 'output'), text(values, 'manifest')]
  const isWhole = output !== undefined && more.length === 0
  if (isWhole && manifest !== undefined && table === undefined) {
    refuse(context, ['as', 'symbols', 'from', 'to', 'features', 'horizon', 'folds', 'embargo'])
    return await repeat(context, manifest, output)
  }
  if (!isWhole || table === undefined || tool === undefined || manifest !== undefined)
    throw new LakehouseError(
      'USAGE',
      'the arguments of export are not complete: write export TABLE --as TOOL --output DIR, or export --manifest FILE --output DIR',
    )
  refuse(context, tool === 'training' ? ['from', 'to'] : ['features', 'horizon', 'folds', 'embargo'])
  return await (tool === 'training' ? train(context, table, output) : bars(context, table, tool, output))
}

/** Refuses options of another mode, which would be ignored. */
function refuse({ values }: CommandContext, names: readonly string[]): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined)
    throw new LakehouseError('USAGE', `--${given} does not apply to this export: remove it, or see crypto-lakehouse help export`, {
      details: { option: given },
    })
}

async function bars(context: CommandContext, table: string, tool: string, output: string): Promise<CommandResult> {
  const { values } = context
  const outcome = await context.call(exporting, { table, tool, output, symbols: text(values, 'symbols'), ...range(values) })
  const { items } = outcome.result
  const some = items.length === 0 ? '' : `: ${items.slice(0, 5).join(', ')}${items.length > 5 ? ' …' : ''}`
  if (!context.json) context.out(`${formatCount(items.length)} files in ${output}${some}\n`)
  return resultOf(outcome)
}

async function train(context: CommandContext, table: string, output: string): Promise<CommandResult> {
  const { values } = context
  const [features, horizon] = [text(values, 'features'), count(values, 'horizon', 1)]
  if (features === undefined || horizon === undefined)
    throw new LakehouseError('USAGE', 'a training set needs --features and --horizon: add both')
  const blocks = { folds: count(values, 'folds', 2), embargo: count(values, 'embargo', 0) }
  const input = { table, output, symbols: text(values, 'symbols'), features, horizon, ...blocks }
  const outcome = await context.call(exportTraining, input)
  const { rows, sha256 } = outcome.result.manifest
  const file = join(output, 'features.parquet')
  if (!context.json)
    context.out(`${file}: ${formatCount(rows)} rows, sha256 ${sha256.slice(0, 12)}…; to build it again, use manifest.json\n`)
  return resultOf(outcome)
}

async function repeat(context: CommandContext, manifest: string, output: string): Promise<CommandResult> {
  const outcome = await context.call(exportRepeat, { manifest, output })
  const { rows } = outcome.result.manifest
  if (!context.json) context.out(`${join(output, 'features.parquet')}: ${formatCount(rows)} rows, identical byte for byte\n`)
  return resultOf(outcome)
}
