import type { Interval } from '../../core/interval.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import type { MarketRef } from '../../sources/series.ts'

/** What is exported: bars of one interval of one market. */
type ExportedBars = {
  readonly session: DuckDBSession
  /** SQL of the bars, with the columns of traded bars of the market. */
  readonly rows: string
  readonly market: MarketRef
  readonly interval: Interval
  /** Where files go; it is there. */
  readonly folder: string
}

/** Writes bars as another tool reads them. */
export type Exporter = {
  readonly id: string
  /** Which tool, and where its files lie below the folder. */
  readonly meaning: string
  /** Writes the bars of one symbol; returns its files, relative to the folder. Files that are there are replaced. */
  write(bars: ExportedBars, symbol: string): Promise<string[]>
}
