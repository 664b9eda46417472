import * as z from 'zod'
import { lifecycleConfiguration } from '../lake/tiers/tiers.ts'
import { parseS3Address } from '../storage/s3/address.ts'
import { operation } from './contract.ts'
import { nothing } from './schemas.ts'

export const tiersLifecycle = operation({
  id: 'tiers.lifecycle',
  summary: 'Print the tier rules as the lifecycle configuration of a bucket',
  permission: 'read',
  input: nothing,
  result: z.strictObject({ lifecycle: z.record(z.string(), z.unknown()) }),
  example: {},
  run: async (context) => {
    const { lake, tiers } = context.loaded().config
    const lifecycle = lifecycleConfiguration(tiers, lake.startsWith('s3://') ? parseS3Address(lake).prefix : '')
    return { status: 'done', counts: {}, result: { lifecycle: { ...lifecycle } } }
  },
})
