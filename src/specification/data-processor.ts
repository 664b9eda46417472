import type { Finding } from '../core/finding.ts'
import type { IngestResult } from '../flows/bulk-ingestion/report.ts'
import type { IngestOptions } from '../lakehouse/ingest.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import { quote } from '../platform/duckdb/session.ts'
import { DETECTORS } from '../silver/quality/anomalies/registry.ts'
import type { Assessment } from '../silver/quality/assess.ts'

/** What is to be cleaned: part of the archive; what is not named means all. */
export type CleanRequest = Partial<Pick<IngestOptions, 'markets' | 'symbols' | 'intervals' | 'range'>> & Pick<IngestOptions, 'types'>

const TECHNICAL_INDICATORS =
  'sma(7), sma(14), sma(30), ema(14), rsi(14), macd(12, 26, 9), bollinger(20, 2), rolling_vwap(14), realised_volatility(14), candle'

/** Silver and its quality under the names of the specification. */
export class DataProcessor {
  readonly #lakehouse: Lakehouse

  constructor(lakehouse: Lakehouse) {
    this.#lakehouse = lakehouse
  }

  /** Types, sorts and deduplicates what bronze holds, and sets aside what cannot be typed. */
  async cleanAndValidate({ types, markets = [], symbols = [], intervals = [], range }: CleanRequest): Promise<IngestResult> {
    const silence = { onProgress: () => {}, onNotice: () => {} }
    return await this.#lakehouse.ingest({ types, markets, symbols, intervals, range, layers: new Set(['silver']), ...silence })
  }

  /** Holds every rule against silver tables (all without names), and scores them 0–100. Throws TABLE_NOT_FOUND. */
  async assessDataQuality(tables: readonly string[] = []): Promise<Assessment[]> {
    return await this.#lakehouse.withQuality(true, (quality) => quality.assess(tables))
  }

  /** What the detectors say of the bars of silver tables, with scores and parameters in the explanation; the first 100 of each detector and table. Throws TABLE_NOT_FOUND. */
  async detectAnomalies(tables: readonly string[] = []): Promise<Finding[]> {
    const ids: ReadonlySet<string> = new Set(DETECTORS.map(({ id }) => id))
    return (await this.assessDataQuality(tables)).flatMap(({ findings }) => findings.filter(({ check }) => ids.has(check)))
  }

  /** A symbol's bars with indicators, in order: the specification's, or those of a spec (see `parseIndicators`); null during warm-up. Throws TABLE_NOT_FOUND, INDICATOR_INVALID; QUERY_FAILED beyond 100,000 rows. */
  async computeTechnicalIndicators(table: string, symbol: string, spec = TECHNICAL_INDICATORS): Promise<Record<string, unknown>[]> {
    return await this.#lakehouse.select(`SELECT * FROM indicators(${[table, symbol, spec].map(quote).join(', ')}) ORDER BY open_time`)
  }
}
