import type { DatasetId } from '../../datasets/registry.ts'
import type { MarketRef } from '../../sources/series.ts'

/** SQL of the rows of each input. */
type InputRows = Readonly<Record<string, string>>

/** Something that is worked out of silver tables of one market. */
export type Aggregation = {
  readonly id: string
  readonly meaning: string
  /** The tables that it reads, by the names under which `sql` knows them. Of bars those of the interval that the options name, else the finest that are there. */
  readonly inputs: Readonly<Record<string, DatasetId>>
  /** Numbers that may be given, and the usual ones. */
  readonly options: Readonly<Record<string, number>>
  /** How long its periods are, where no option says so: bars must cut them evenly. */
  readonly minutes?: number
  /** SQL of what it gives. A row tells of a time (`open_time` or `day`) and of nothing that came after the end of its period. */
  sql(rows: InputRows, options: Readonly<Record<string, number>>, market: MarketRef): string
}

/** SQL of a sum of amounts of up to 8 decimals: compensated (Kahan 1965) and brought back to them, so that it does not depend on the order of the rows. */
export function amountSum(sql: string): string {
  return `round(fsum(${sql}), 8)`
}
