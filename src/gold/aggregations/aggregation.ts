import type { DatasetId } from '../../datasets/registry.ts'
import type { MarketRef } from '../../sources/series.ts'

/** SQL of the rows of each input, by name. */
type InputRows = Readonly<Record<string, string>>

/** A computation over silver tables of one market. */
export type Aggregation = {
  readonly id: string
  readonly meaning: string
  /** The data sets that it reads, by their names in `sql`. Bars have the interval that the options name, or else the finest one that exists. */
  readonly inputs: Readonly<Record<string, DatasetId>>
  /** The options with their defaults. */
  readonly options: Readonly<Record<string, number>>
  /** The length of its periods, if no option sets it. It must be a multiple of the length of the bars. */
  readonly minutes?: number
  /** SQL of its rows. Each row has a time (`open_time` or `day`) and depends on nothing after the end of its period. */
  sql(rows: InputRows, options: Readonly<Record<string, number>>, market: MarketRef): string
}

/** SQL of a sum of amounts with at most 8 decimals. Compensated (Kahan 1965) and rounded to 8 decimals, so that it does not depend on the order of rows. */
export function amountSum(sql: string): string {
  return `round(fsum(${sql}), 8)`
}
