import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { BATCHINGS } from './run/tuning.ts'
import { VERIFY_MODES } from './verify-mode.ts'

const count = (most: number) => z.coerce.number().int().min(1).max(most)

/** The settings of transfers. */
export const syncOptions = z.strictObject({
  source: z.string().min(1).describe('Where `sync` reads when no source is named'),
  destination: z.string().default('').describe('Where `sync` writes when no destination is named'),
  state: z
    .string()
    .min(1)
    .default(() => join(homedir(), '.local', 'state', 'crypto-lakehouse'))
    .describe('Where transfers remember what they did: a directory'),
  concurrency: count(1024).default(64).describe('Objects under way at once; fewer while a store asks for less'),
  listParallel: count(64).default(4).describe('Ranges of keys listed at once, where the order of the store is proved'),
  batching: z
    .enum(BATCHINGS)
    .default('size_based')
    .describe('How objects are put together: by size class, a number of them (batchSize), or all sizes as one class'),
  batchSize: count(500).default(100).describe('Objects of a batch where batching is count_based'),
  partSizeMb: z.coerce
    .number()
    .int()
    .min(0)
    .max(5120)
    .default(0)
    .describe('Size of the parts of large objects (0: 10, 50 or 100 by the size of the object)'),
  multipartThresholdMb: count(5120).default(256).describe('Objects above this size go in parts where they are uploaded'),
  idleTimeoutMs: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('A connection without a byte for so long is given up'),
  attempts: count(20).default(6).describe('How often one request is made in all'),
  retryDelayMs: count(60_000).default(200).describe('Upper end of the first pause before a retry; it doubles up to 20 s'),
  verify: z.enum(VERIFY_MODES).default('etag').describe('How a copy is proved: size, etag, sha256 (published beside the object), reread'),
  maxDelete: z.coerce.number().int().min(0).default(1000).describe('More deletions than this are refused, all of them'),
  diskLimitMb: count(1 << 24)
    .default(10_240)
    .describe('Disk that the traditional way may use at once'),
  downloads: z.string().default('').describe('Where the traditional way puts files while it works (empty: below `state`)'),
  s5cmdPath: z.string().min(1).default('s5cmd').describe('The program s5cmd, 2.3 or later'),
  storageClass: z.string().default('').describe('Storage class of new objects (empty: that of the bucket)'),
  encryption: z
    .enum(['', 'AES256', 'aws:kms', 'aws:kms:dsse'])
    .default('')
    .describe('Server-side encryption of new objects (empty: that of the bucket)'),
  kmsKeyId: z.string().default('').describe('Key of aws:kms'),
})

export type SyncOptions = z.infer<typeof syncOptions>
