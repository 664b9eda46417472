import type { Interval } from '../../core/interval.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import type { MarketRef } from '../../sources/series.ts'

/** The bars to export: one interval of one market. */
type ExportedBars = {
  readonly session: DuckDBSession
  /** SQL of the bars, with the columns of traded bars of the market. */
  readonly rows: string
  readonly market: MarketRef
  readonly interval: Interval
  /** The folder for the files; it exists. */
  readonly folder: string
}

/** Writes bars in the format of another tool. */
export type Exporter = {
  readonly id: string
  /** The tool, and the paths of its files below the folder. */
  readonly meaning: string
  /** Writes the bars of one symbol and returns the paths of its files, relative to the folder. Replaces existing files. */
  write(bars: ExportedBars, symbol: string): Promise<string[]>
}
