import { parseInstant } from '../core/time.ts'
import type { AsOf } from '../lake/iceberg/table.ts'

/** Reads a number as a snapshot id, a date or time as an instant, and anything else as a tag or branch. `tag:`, `snapshot:` and `time:` before it say what is meant. */
export function resolveAsOf(text: string): AsOf
export function resolveAsOf(text: string | undefined): AsOf | undefined
export function resolveAsOf(text: string | undefined): AsOf | undefined {
  if (text === undefined) return undefined
  const [, kind, rest = ''] = /^(tag|snapshot|time):(.*)$/s.exec(text) ?? []
  if (kind === 'tag') return { tag: rest }
  if (kind === 'snapshot') return { snapshot: rest }
  if (kind === 'time') return { timeMs: Math.floor((parseInstant(rest) ?? Number.NaN) / 1000) }
  if (/^\d{5,}$/.test(text)) return { snapshot: text }
  const instant = parseInstant(text)
  return instant === undefined ? { tag: text } : { timeMs: Math.floor(instant / 1000) }
}
