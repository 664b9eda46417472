import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { BATCHINGS } from './run/tuning.ts'
import { VERIFY_MODES } from './verify-mode.ts'

const count = (most: number) => z.number().int().min(1).max(most)

/** The settings of transfers. */
export const syncOptions = z.strictObject({
  source: z.string().min(1).describe('Address that `sync` reads when no source is named'),
  destination: z.string().default('').describe('Address that `sync` writes when no destination is named'),
  state: z
    .string()
    .min(1)
    .default(() => join(homedir(), '.local', 'state', 'crypto-lakehouse'))
    .describe('Directory in which transfers keep their journals and reports'),
  concurrency: count(1024).default(64).describe('Objects copied at the same time; fewer while a store throttles'),
  listParallel: count(64).default(4).describe('Key ranges listed at the same time, if the store is proved to list in order'),
  batching: z
    .enum(BATCHINGS)
    .default('size_based')
    .describe('How objects are grouped into batches: by size class, by number (batchSize), or all sizes together'),
  batchSize: count(500).default(100).describe('Objects per batch when batching is count_based'),
  partSizeMb: z
    .number()
    .int()
    .min(0)
    .max(5120)
    .default(0)
    .describe('Part size of large objects (0: 10, 50 or 100, depending on the size of the object)'),
  multipartThresholdMb: count(5120).default(256).describe('Uploads of objects above this size use parts'),
  idleTimeoutMs: z
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('A connection that transfers no byte for this long is closed'),
  attempts: count(20).default(6).describe('Maximum number of attempts per request, the first included'),
  retryDelayMs: count(60_000).default(200).describe('Maximum first pause before a retry; it doubles up to 20 s'),
  verify: z.enum(VERIFY_MODES).default('etag').describe('How to prove a copy: size, etag, sha256 (published beside the object), reread'),
  maxDelete: z.number().int().min(0).default(1000).describe('If a run would delete more objects than this, it deletes none'),
  minShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('If the source lists less than this share of what the destination has, a run deletes nothing'),
  diskLimitMb: count(1 << 24)
    .default(10_240)
    .describe('Disk space that the traditional way may use at the same time'),
  downloads: z.string().default('').describe('Directory for the temporary files of the traditional way (empty: below `state`)'),
  s5cmdPath: z.string().min(1).default('s5cmd').describe('Path of the program s5cmd, version 2.3 or later'),
  storageClass: z.string().default('').describe('Storage class of new objects (empty: the default of the bucket)'),
  encryption: z
    .enum(['', 'AES256', 'aws:kms', 'aws:kms:dsse'])
    .default('')
    .describe('Server-side encryption of new objects (empty: the default of the bucket)'),
  kmsKeyId: z.string().default('').describe('Key id for aws:kms'),
})

export type SyncOptions = z.infer<typeof syncOptions>
