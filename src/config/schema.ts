import { availableParallelism, homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { INTERVAL_IDS } from '../core/interval.ts'
import { tierOptions } from '../lake/tiers/tiers.ts'
import { DEFAULT_SOURCE } from '../sources/registry.ts'
import { syncOptions } from '../transfer/options.ts'
import { archiveCollection } from './archive-collection.ts'

const MIB = 1024 * 1024

/** Every setting, with its meaning and default. Keys are reached as `archive.concurrency` in files and `LAKEHOUSE_ARCHIVE_CONCURRENCY` in the environment. */
export const configSchema = z.strictObject({
  lake: z.string().min(1).default('./lakehouse').describe('Where the lake lies: a directory, s3://bucket/prefix?endpoint=… or NAME:prefix'),
  cache: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .default(() => join(homedir(), '.cache', 'crypto-lakehouse'))
        .describe('Where copies of what lies in a bucket are kept: a directory that several processes may share'),
      limitMb: z.coerce.number().int().min(64).default(10_240).describe('So much of it; what was used least recently goes'),
    })
    .prefault({}),
  archive: z
    .strictObject({
      origin: z
        .string()
        .min(1)
        .default(DEFAULT_SOURCE.id)
        .describe(
          'Where the archive is read: the id of an exchange (its public site), a URL, s3://bucket/prefix?endpoint=…, or a directory',
        ),
      concurrency: z.coerce.number().int().min(1).max(256).default(16).describe('Objects on their way at once'),
      idleTimeoutMs: z.coerce
        .number()
        .int()
        .min(100)
        .max(600_000)
        .default(30_000)
        .describe('A transfer without a byte for so long is cut and repeated'),
      attempts: z.coerce.number().int().min(1).max(20).default(6).describe('How often one request is made in all'),
      retryDelayMs: z.coerce
        .number()
        .int()
        .min(1)
        .max(60_000)
        .default(500)
        .describe('Upper end of the first pause before a retry; it doubles up to 20 s'),
    })
    .prefault({}),
  engine: z
    .strictObject({
      workers: z.coerce
        .number()
        .int()
        .min(1)
        .max(64)
        .default(availableParallelism())
        .describe('Partitions decoded at once, each on a thread'),
      memoryLimitMb: z.coerce
        .number()
        .int()
        .min(64)
        .default(defaultMemoryMb())
        .describe('Memory of each engine instance before it spills to disk'),
      maxEntryBytes: z.coerce
        .number()
        .int()
        .min(1024)
        .default(16 * 1024 * MIB)
        .describe('A zip whose entry claims more is refused'),
    })
    .prefault({}),
  catalog: z
    .strictObject({
      token: z.string().default('').describe('Clients of `catalog-server` must send this bearer token (empty: none)'),
    })
    .prefault({}),
  glue: z
    .strictObject({
      region: z.string().min(1).describe('Region of the catalog'),
      databasePrefix: z
        .string()
        .regex(/^[a-z0-9_]*$/)
        .default('lakehouse_')
        .describe('Databases are called so, followed by the layer'),
      endpoint: z.string().default('').describe('Another service than Amazon’s, for tests'),
    })
    .optional()
    .describe('Makes tables known to AWS Glue, where Athena finds them; without it nothing is'),
  tiers: tierOptions.prefault({}),
  stores: z.record(z.string(), z.string()).default({}).describe('Names for places, so that NAME:prefix can stand for a longer address'),
  sync: syncOptions.extend({ source: syncOptions.shape.source.default(DEFAULT_SOURCE.id) }).prefault({}),
  archive_collection: archiveCollection.optional().describe('A collection as older files write it: `sync` without places carries it out'),
  quality: z
    .strictObject({
      weights: z
        .strictObject({
          completeness: weight(0.3),
          validity: weight(0.2),
          consistency: weight(0.15),
          uniqueness: weight(0.1),
          timeliness: weight(0.1),
          accuracy: weight(0.15),
        })
        .prefault({}),
      minimum: z.coerce.number().min(0).max(100).default(90).describe('A table that scores less is a warning'),
      completeness: z.coerce.number().min(0).max(1).default(0.95).describe('A table that is less complete is a warning'),
      maxStaleDays: z.coerce.number().min(0).default(3).describe('A symbol whose last row is older is stale'),
    })
    .prefault({}),
  gold: z
    .strictObject({
      intervals: z
        .array(z.enum(INTERVAL_IDS as [string, ...string[]]))
        .default(['5m', '15m', '1h', '4h', '1d', '1w', '1mo'])
        .describe('Bars that ingestion makes of finer klines'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof configSchema>

function weight(value: number) {
  return z.coerce.number().min(0).default(value).describe('How much it weighs in a score')
}

function defaultMemoryMb(): number {
  return Math.max(128, Math.min(512, Math.floor(totalmem() / MIB / 16)))
}

/** One setting as a flat row: its dotted key, default and meaning. */
export type Setting = { readonly key: string; readonly environment: string; readonly fallback: unknown; readonly meaning: string }

/** All settings in the order of the schema. */
export function settings(): Setting[] {
  return flatten(configSchema.shape, '', configSchema.parse({}))
}

type Shape = Readonly<Record<string, z.ZodType>>

function flatten(shape: Shape, prefix: string, defaults: unknown): Setting[] {
  return Object.entries(shape).flatMap(([name, child]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`
    const value = (defaults as Record<string, unknown>)[name]
    const below = shapeOf(child)
    if (below !== undefined && value !== undefined) return flatten(below, key, value)
    return [{ key, environment: environmentName(key), fallback: value, meaning: meaningOf(child) }]
  })
}

function meaningOf(schema: z.ZodType): string {
  const inner = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : undefined
  return schema.description ?? inner?.description ?? ''
}

/** The keys of a section, or undefined for a single value. */
function shapeOf(schema: z.ZodType): Shape | undefined {
  if (schema instanceof z.ZodObject) return schema.shape as Shape
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return shapeOf(schema.unwrap() as z.ZodType)
  return undefined
}

/** Every dotted key that a file may hold. */
export function fileKeys(): string[] {
  const keysBelow = (shape: Shape | undefined, prefix: string): string[] =>
    Object.entries(shape ?? {}).flatMap(([name, child]) => [`${prefix}${name}`, ...keysBelow(shapeOf(child), `${prefix}${name}.`)])
  return keysBelow(configSchema.shape, '')
}

/** archive.idleTimeoutMs → LAKEHOUSE_ARCHIVE_IDLE_TIMEOUT_MS */
function environmentName(key: string): string {
  return `LAKEHOUSE_${key
    .replaceAll('.', '_')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`
}
