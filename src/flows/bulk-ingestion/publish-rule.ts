import { LakehouseError } from '../../core/errors.ts'
import type { DayScore } from '../../silver/quality/assess.ts'
import { DIMENSIONS } from '../../silver/quality/checks/check.ts'

/** What a rule may ask for: the score of a day (0–100), its parts (0–1), its rows, and its findings of severity error. */
const RULE_METRICS: readonly string[] = ['score', ...DIMENSIONS, 'rows', 'errors']

const OPERATORS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '>=': (value, limit) => value >= limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '<': (value, limit) => value < limit,
  '=': (value, limit) => value === limit,
}

/** The conditions of a rule. Each must hold for each symbol and day. */
export type PublishRule = readonly { readonly metric: string; readonly operator: string; readonly limit: number }[]

/** Reads a rule: score>=95, or several conditions joined by `and`. Throws USAGE. */
export function parsePublishRule(text: string): PublishRule {
  return text.split(/\s+and\s+|\s*,\s*/i).map((part) => {
    const [, metric = '', operator = '', limit = ''] = /^\s*([a-z_]+)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (RULE_METRICS.includes(metric)) return { metric, operator, limit: Number(limit) }
    throw new LakehouseError(
      'USAGE',
      `cannot read the condition "${part.trim()}": write METRIC>=NUMBER, such as score>=95 and errors=0; metrics are ${RULE_METRICS.join(', ')}`,
      { details: { rule: text } },
    )
  })
}

/** The first condition that a day does not meet, in words; undefined if it meets all. A part that could not be judged does not count. */
export function brokenCondition(rule: PublishRule, { values }: DayScore): string | undefined {
  for (const { metric, operator, limit } of rule) {
    const value = values[metric]
    if (value === null || value === undefined) continue
    if (OPERATORS[operator]?.(value, limit) !== true) return `${metric} is ${Math.round(value * 1e4) / 1e4}, not ${operator}${limit}`
  }
  return undefined
}
