import { parseInstant } from '../core/time.ts'
import type { AsOf } from '../lake/iceberg/table.ts'

/** A number is a snapshot id, a date or time an instant, anything else a tag or branch. */
export function parseAsOf(value: string | undefined): AsOf | undefined {
  if (value === undefined) return undefined
  if (/^\d{5,}$/.test(value)) return { snapshot: value }
  const instant = parseInstant(value)
  return instant === undefined ? { tag: value } : { timeMs: Math.floor(instant / 1000) }
}
