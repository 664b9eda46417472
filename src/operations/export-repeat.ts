import * as z from 'zod'
import { operation } from './contract.ts'
import { folder } from './export-bars.ts'
import { trainingResult } from './export-training.ts'
import { place } from './schemas.ts'

export const exportRepeat = operation({
  id: 'export.repeat',
  summary: 'Build a training set again from its manifest, and prove that it is identical byte for byte',
  permission: 'read',
  input: z.strictObject({ manifest: place('read', 'the manifest.json of a training set'), output: folder }),
  result: trainingResult,
  example: { manifest: 'set/manifest.json', output: 'again' },
  run: async (context, { manifest: file, output }) => {
    const manifest = await (await context.lakehouse()).withGold(false, (gold) => gold.repeatTrainingSet(file, output))
    return { status: 'done', counts: { rows: manifest.rows }, result: { output, manifest } }
  },
})
