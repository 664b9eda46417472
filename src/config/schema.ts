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
  lake: z.string().min(1).default('./lakehouse').describe('Address of the lake: a directory, s3://bucket/prefix?endpoint=… or NAME:prefix'),
  cache: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .default(() => join(homedir(), '.cache', 'crypto-lakehouse'))
        .describe('Directory for local copies of objects in buckets; several processes may share it'),
      limitMb: z
        .number()
        .int()
        .min(64)
        .default(10_240)
        .describe('Largest size of the cache; the least recently used copies are removed first'),
    })
    .prefault({}),
  archive: z
    .strictObject({
      origin: z
        .string()
        .min(1)
        .default(DEFAULT_SOURCE.id)
        .describe('Source of the archive: the id of an exchange (its public site), a URL, s3://bucket/prefix?endpoint=…, or a directory'),
      concurrency: z.number().int().min(1).max(256).default(16).describe('How many objects are transferred at once'),
      idleTimeoutMs: z
        .number()
        .int()
        .min(100)
        .max(600_000)
        .default(30_000)
        .describe('Milliseconds without a byte until a transfer is stopped and repeated'),
      attempts: z.number().int().min(1).max(20).default(6).describe('How many times one request is tried at most'),
      retryDelayMs: z
        .number()
        .int()
        .min(1)
        .max(60_000)
        .default(500)
        .describe('Longest first pause before a retry; it doubles with each retry, up to 20 s'),
    })
    .prefault({}),
  engine: z
    .strictObject({
      workers: z
        .number()
        .int()
        .min(1)
        .max(64)
        .default(availableParallelism())
        .describe('How many partitions are decoded at once, each on its own thread'),
      memoryLimitMb: z
        .number()
        .int()
        .min(64)
        .default(defaultMemoryMb())
        .describe('Memory of each engine instance; beyond it, the engine writes to disk'),
      maxEntryBytes: z
        .number()
        .int()
        .min(1024)
        .default(16 * 1024 * MIB)
        .describe('A zip with a larger entry is refused'),
    })
    .prefault({}),
  query: z
    .strictObject({
      timeoutSeconds: z.number().min(1).max(86_400).default(600).describe('A query that runs longer ends with QUERY_LIMIT'),
      memoryMb: z.number().int().min(256).default(1024).describe('Memory of the process that runs one query'),
      spillMb: z.number().int().min(16).default(10_240).describe('Disk for the intermediate results of one query'),
      maxRows: z.number().int().min(1).default(100_000_000).describe('Rows of one result'),
    })
    .prefault({}),
  catalog: z
    .strictObject({
      hosts: z
        .array(z.string())
        .default([])
        .describe('Host names by which clients reach `catalog-server`, besides IP addresses and localhost'),
      token: z.string().default('').describe('Clients of `catalog-server` must send this bearer token (empty: none)'),
    })
    .prefault({}),
  glue: z
    .strictObject({
      region: z.string().min(1).describe('AWS region of the catalog'),
      databasePrefix: z
        .string()
        .regex(/^[a-z0-9_]*$/)
        .default('lakehouse_')
        .describe('Start of the database names; the name of the layer follows'),
      endpoint: z.string().default('').describe('Endpoint of another service than AWS Glue, for tests'),
    })
    .optional()
    .describe('Publishes tables to AWS Glue, where Athena finds them; without this section nothing is published'),
  tiers: tierOptions.prefault({}),
  stores: z
    .record(z.string(), z.string())
    .default({})
    .describe('Short names for addresses: NAME:prefix then stands for the longer address'),
  sync: syncOptions.extend({ source: syncOptions.shape.source.default(DEFAULT_SOURCE.id) }).prefault({}),
  archive_collection: archiveCollection
    .optional()
    .describe('A collection in the form of older files; `sync` without a source and destination runs it'),
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
      minimum: z.number().min(0).max(100).default(90).describe('A table with a lower score gives a warning'),
      completeness: z.number().min(0).max(1).default(0.95).describe('A table with a lower completeness gives a warning'),
      maxStaleDays: z.number().min(0).default(3).describe('A symbol is stale when its last row is older than this'),
    })
    .prefault({}),
  gold: z
    .strictObject({
      intervals: z
        .array(z.enum(INTERVAL_IDS as [string, ...string[]]))
        .default(['5m', '15m', '1h', '4h', '1d', '1w', '1mo'])
        .describe('Intervals of the bars that ingestion builds from finer klines'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof configSchema>

function weight(value: number) {
  return z.number().min(0).default(value).describe('Weight in the score')
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
