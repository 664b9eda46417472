import { parseInstant } from '../core/time.ts'
import type { AsOf } from '../lake/iceberg/table.ts'

/** Reads a number as a snapshot id, a date or time as an instant, and anything else as a tag or branch. */
export function resolveAsOf(text: string): AsOf
export function resolveAsOf(text: string | undefined): AsOf | undefined
export function resolveAsOf(text: string | undefined): AsOf | undefined {
  if (text === undefined) return undefined
  if (/^\d{5,}$/.test(text)) return { snapshot: text }
  const instant = parseInstant(text)
  return instant === undefined ? { tag: text } : { timeMs: Math.floor(instant / 1000) }
}
