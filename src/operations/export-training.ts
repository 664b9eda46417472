import * as z from 'zod'
import { trainingManifest } from '../gold/training-set.ts'
import { operation } from './contract.ts'
import { EXAMPLE } from './examples.ts'
import { folder } from './export-bars.ts'
import { requireSymbols } from './rows.ts'
import { table } from './schemas.ts'

export const trainingResult = z.strictObject({ output: z.string(), manifest: trainingManifest })

export const exportTraining = operation({
  id: 'export.training',
  summary: 'Write a training set that can be built again byte for byte',
  permission: 'read',
  input: z.strictObject({
    table,
    output: folder,
    symbols: z.string().optional().describe('symbols; * and ? are wildcards; default: all'),
    features: z.string().min(1).describe("indicators: 'rsi(14), ema(20)'"),
    horizon: z.number().int().min(1).describe('the label is the return over this number of bars'),
    folds: z.number().int().min(2).default(5).describe('number of time blocks; each is the test fold once'),
    embargo: z.number().int().min(0).optional().describe('number of bars after a test fold that training excludes; default: the horizon'),
  }),
  result: trainingResult,
  example: { table: EXAMPLE.minutes, output: 'set', symbols: EXAMPLE.symbol, features: 'rsi(14)', horizon: 24 },
  run: async (context, { table: source, output, symbols, embargo, ...rest }) => {
    if (symbols !== undefined) await requireSymbols(context, source, symbols)
    const recipe = { source, symbols: symbols ?? '*', ...rest, embargo: embargo ?? rest.horizon }
    const manifest = await (await context.lakehouse()).withGold(false, (gold) => gold.exportTrainingSet(recipe, output))
    return { status: 'done', counts: { rows: manifest.rows }, result: { output, manifest } }
  },
})
