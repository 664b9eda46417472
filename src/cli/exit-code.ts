import { asLakehouseError, type ErrorCode } from '../core/errors.ts'
import type { CommandResult } from './command.ts'

/** 0 done · 1 failed · 2 usage or configuration · 3 done, with findings or differences · 130 interrupted. */
const EXIT_CODES = { done: 0, failed: 1, usage: 2, done_with_findings: 3, interrupted: 130 } as const

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'USAGE',
  'CONFIG_INVALID',
  'LAKE_NOT_FOUND',
  'LAKE_FORMAT_UNSUPPORTED',
  'TABLE_NOT_FOUND',
  'ROW_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'SQL_INVALID',
  'INDICATOR_INVALID',
  'CORRECTION_INVALID',
  'SQL_REFUSED',
  'SOURCE_NOT_FOUND',
])

export function exitCodeOf(result: CommandResult): number {
  return EXIT_CODES[result.status]
}

export function exitCodeOfError(error: unknown): number {
  const { code } = asLakehouseError(error)
  if (code === 'INTERRUPTED') return EXIT_CODES.interrupted
  return USAGE_CODES.has(code) ? EXIT_CODES.usage : EXIT_CODES.failed
}
