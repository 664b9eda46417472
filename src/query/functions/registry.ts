import { aggregate } from './aggregate.ts'
import { eventBarsFunction } from './event-bars.ts'
import { indicators } from './indicators.ts'
import { resample } from './resample.ts'
import { segments } from './segments.ts'
import type { TableFunction } from './table-function.ts'

/** Every table function, in the order in which help tells of them. A new one is a file beside this and a line here. */
export const TABLE_FUNCTIONS: readonly TableFunction[] = [indicators, resample, eventBarsFunction, aggregate, segments]
