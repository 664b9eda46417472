import * as z from 'zod'
import { SEVERITIES } from '../core/finding.ts'

// Parts of input and result schemas that several operations share.

export const table = z.string().min(1).describe('name of a table in SQL: layer.name')
export const tables = z
  .array(z.string().min(1))
  .default([])
  .describe('names of tables in SQL; * and ? are wildcards; an empty list means all')
export const symbolGlobs = z.array(z.string().min(1)).default([]).describe('symbols; * and ? are wildcards; an empty list means all')
export const instant = z.string().describe('ISO 8601, UTC')
export const asOf = z.string().min(1).describe('a snapshot id, a tag or branch, or a time')
export const dryRun = z.boolean().default(false).describe('shows what would be done, and changes nothing')
/** An address that the operation reads or writes with the rights of its machine. Code that lets others name addresses must check fields with `place` first. */
export function place(access: 'read' | 'write', meaning: string) {
  return z.string().min(1).meta({ place: access, description: meaning })
}

export const snapshotId = z.union([z.number(), z.string()]).describe('a number when JSON can carry it, else text')

export const nothing = z.strictObject({})

/** A row of a result, in values that JSON carries without loss. */
export const row = z.record(z.string(), z.unknown())

/** The files and manifests that a statement reads from a table. */
export const boundTable = z.strictObject({
  table: z.string(),
  snapshotId: snapshotId.nullable(),
  snapshotTime: instant.nullable(),
  filesRead: z.number(),
  filesSkipped: z.number(),
  skippedBy: z.strictObject({ partition: z.number(), bounds: z.number() }).readonly().nullable(),
  bytesRead: z.number(),
  manifestsRead: z.number(),
  manifestsSkipped: z.number(),
})

/** A table in a list. */
export const tableStatus = z.strictObject({
  name: z.string(),
  rows: z.number(),
  files: z.number(),
  bytes: z.number(),
  snapshotId: snapshotId.nullable(),
  snapshots: z.number(),
  from: instant.nullable(),
  to: instant.nullable(),
})

export const finding = z.strictObject({
  check: z.string(),
  severity: z.enum(SEVERITIES),
  table: z.string(),
  symbol: z.string().nullable(),
  from: instant.nullable(),
  to: instant.nullable(),
  count: z.number(),
  explanation: z.string(),
})
