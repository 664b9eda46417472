import type { Config } from '../config/schema.ts'
import { US_PER_DAY } from '../core/time.ts'
import type { DecodeLimits } from '../silver/build/inputs.ts'
import type { QualityOptions } from '../silver/quality/score.ts'

/** The settings of the rules, from the configuration. */
export function qualityOptions({ quality, engine }: Config, nowMs: number): QualityOptions & DecodeLimits {
  const { weights, maxStaleDays } = quality
  return { weights, staleUs: maxStaleDays * US_PER_DAY, nowUs: nowMs * 1000, maxEntryBytes: engine.maxEntryBytes }
}
