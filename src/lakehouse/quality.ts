import { LakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import { INTERVAL_IDS } from '../core/interval.ts'
import { namePatterns } from '../core/patterns.ts'
import type { Lake } from '../lake/lake.ts'
import { tableKey } from '../lake/layout.ts'
import type { DecodeLimits } from '../silver/build/inputs.ts'
import { diffRevisions, listRevisions, type Reconciliation, type Revision, reconcile } from '../silver/compare/reconcile.ts'
import { explainRow, type RowOrigin } from '../silver/explain-row.ts'
import { type FillOptions, type FillReport, fillGaps } from '../silver/gaps/fill-gaps.ts'
import { type DayCoverage, dayCoverage, findGaps, type GapOptions, type GapReport } from '../silver/gaps/find-gaps.ts'
import { type Assessment, assessTable } from '../silver/quality/assess.ts'
import type { QualityOptions } from '../silver/quality/score.ts'
import { type Decision, decide, type Quarantine, readQuarantine } from '../silver/quarantine/quarantine.ts'
import { ARCHIVE_LISTING, keepListing } from '../silver/universe/archive-listing.ts'
import { EXCHANGE_INFO, type KeptExchangeInfo, keepExchangeInfo } from '../silver/universe/exchange-info.ts'
import { type Listing, type UniverseFilter, universe } from '../silver/universe/universe.ts'
import type { ListedSymbol } from '../sources/archive/listed-stretches.ts'
import { findSource } from '../sources/registry.ts'
import { contractOf, type Series, seriesOf, silverTableName } from '../sources/series.ts'

/** The quality of the data in a lake. Tables are given by SQL name or by a pattern with * and ?; no name means all. */
export class Quality {
  readonly #lake: Lake
  readonly #options: QualityOptions & DecodeLimits

  constructor(lake: Lake, options: QualityOptions & DecodeLimits) {
    this.#lake = lake
    this.#options = options
  }

  /** Side tasks that failed although the assessment is correct. */
  get findings(): readonly Finding[] {
    return this.#lake.findings
  }

  /** Checks tables against every rule, and replaces their rows in silver.findings and silver.quality. Throws TABLE_NOT_FOUND if a name does not match any table. */
  async assess(names: readonly string[]): Promise<Assessment[]> {
    const assessments = await this.#each(names, (series) => assessTable(this.#lake, series, this.#options))
    for (const name of ['findings', 'quality', 'models'])
      if ((await this.#lake.findTable('silver', name)) !== undefined) await this.#lake.publish(tableKey('silver', name))
    return assessments
  }

  /** The gaps of tables, with their causes. */
  async gaps(names: readonly string[], options: Omit<GapOptions, 'nowUs'>): Promise<Map<string, GapReport>> {
    const { nowUs } = this.#options
    const reports = await this.#each(names, async (series) => {
      return [`silver.${silverTableName(series)}`, await findGaps(this.#lake, series, { ...options, nowUs })] as const
    })
    return new Map(reports)
  }

  /** Plans how to fill the gaps of tables, finest interval first; with `write` also fills them. Throws COMMIT_CONFLICT. */
  async fillGaps(names: readonly string[], options: Omit<FillOptions, 'nowUs'>): Promise<FillReport[]> {
    const { nowUs } = this.#options
    const reports: FillReport[] = []
    for (const series of (await this.#series(names)).sort((a, b) => placeOf(a) - placeOf(b))) {
      const filled = await fillGaps(this.#lake, series, { ...options, nowUs })
      reports.push(filled)
      if (filled.rowsFilled > 0) await this.#lake.publish(tableKey('silver', silverTableName(series)))
    }
    if (options.write && (await this.#lake.findTable('silver', 'fills')) !== undefined)
      await this.#lake.publish(tableKey('silver', 'fills'))
    return reports
  }

  /** The share of each day and symbol that tables of bars have. */
  async coverage(names: readonly string[], symbols: string): Promise<DayCoverage[]> {
    return (await this.#each(names, (series) => dayCoverage(this.#lake, series, symbols))).flat()
  }

  /** Compares monthly with daily files, month by month, and replaces the rows of the tables in silver.reconciliation. */
  async reconcile(names: readonly string[]): Promise<Reconciliation[]> {
    const found = (await this.#each(names, (series) => reconcile(this.#lake, series, this.#options))).flat()
    if (found.length > 0) await this.#lake.publish(tableKey('silver', 'reconciliation'))
    return found
  }

  /** Every revision of all objects that the exchange has replaced, or of one object. */
  async revisions(key?: string): Promise<Revision[]> {
    return await listRevisions(this.#lake, key)
  }

  /** The differences between the current revision of an object and a former one. Throws OBJECT_NOT_FOUND. */
  async diffRevisions(key: string, from: string | undefined, limit: number): ReturnType<typeof diffRevisions> {
    return await diffRevisions(this.#lake, key, from, { ...this.#options, limit })
  }

  /** The object, revision, line and text of the rows of a symbol at an instant, µs. Throws TABLE_NOT_FOUND, ROW_NOT_FOUND. */
  async explainRow(name: string, row: { symbol: string; at: number; id: string | undefined }): Promise<RowOrigin[]> {
    const [series] = await this.#series([name])
    if (series === undefined) return []
    return await explainRow(this.#lake, series, { ...row, maxEntryBytes: this.#options.maxEntryBytes })
  }

  /** The objects and lines in quarantine. */
  async quarantine(limit: number): Promise<Quarantine> {
    return await readQuarantine(this.#lake, limit)
  }

  /** Records a decision about a quarantined line or object. Throws ROW_NOT_FOUND, CORRECTION_INVALID. */
  async decide(key: string, decision: Decision): Promise<void> {
    await decide(this.#lake, key, decision, this.#options)
  }

  /** Stores an answer of an exchange about its instruments, unchanged. The universe then uses it. Throws EXCHANGE_INFO_INVALID. */
  async keepExchangeInfo(exchange: string, bytes: Uint8Array, name: string): Promise<KeptExchangeInfo> {
    const kept = await keepExchangeInfo(this.#lake, findSource(exchange), bytes, name)
    await this.#lake.publish(EXCHANGE_INFO)
    return kept
  }

  /** Stores what the archive of an exchange lists of a market. The universe then uses it. */
  async keepListing(exchange: string, market: string, symbols: readonly ListedSymbol[]): Promise<void> {
    await keepListing(this.#lake, exchange, market, symbols)
    await this.#lake.publish(ARCHIVE_LISTING)
  }

  /** The symbols that the lake knows, each with its time. */
  async universe(filter: UniverseFilter): Promise<Listing[]> {
    return await universe(this.#lake, filter)
  }

  /** Runs some work for each table, one after the other, and returns the results. */
  async #each<T>(names: readonly string[], work: (series: Series) => Promise<T>): Promise<T[]> {
    const results: T[] = []
    for (const series of await this.#series(names)) results.push(await work(series))
    return results
  }

  async #series(names: readonly string[]): Promise<Series[]> {
    const all = (await this.#lake.tables('silver')).flatMap((name) => {
      const series = seriesOf(name)
      return series === undefined ? [] : [{ name: `silver.${name}`, series }]
    })
    if (names.length === 0) return all.map(({ series }) => series)
    const chosen = new Set<Series>()
    for (const name of names) {
      const { matches } = namePatterns([name.includes('.') ? name : `silver.${name}`])
      const found = all.filter((one) => matches(one.name))
      if (found.length === 0)
        throw new LakehouseError(
          'TABLE_NOT_FOUND',
          `no silver table matches ${name}: the lake has ${all.map((one) => one.name).join(', ') || 'no silver tables'}`,
          {
            details: { table: name },
          },
        )
      for (const { series } of found) chosen.add(series)
    }
    return [...chosen]
  }
}

/** The position in a sort order that puts fine bars before the bars that can be built from them. */
function placeOf({ interval }: Series): number {
  return interval === undefined ? -1 : INTERVAL_IDS.indexOf(interval)
}

/** Findings for values below the thresholds, each with the command that shows more. */
export function recommendations(
  assessments: readonly Assessment[],
  { minimum, completeness }: { minimum: number; completeness: number },
): Finding[] {
  return assessments.flatMap(({ table, score, parts, findings }) => {
    const advice: Finding[] = []
    if (parts.completeness !== null && parts.completeness < completeness) {
      const share = `the table is ${(parts.completeness * 100).toFixed(1)} % complete, below the required ${completeness * 100} %`
      const series = seriesOf(table.slice('silver.'.length))
      // Where rows do not have a fixed step, what is missing is a finding (a hole in the ids), not a gap.
      const command = series && contractOf(series).cadence(series.interval) === undefined ? 'findings' : 'gaps'
      advice.push(wholeFinding(table, 'incomplete', 'warning', 1, `${share}: see \`crypto-lakehouse ${command} ${table}\``))
    }
    if (score !== null && score < minimum)
      advice.push(
        wholeFinding(
          table,
          'low_quality',
          'warning',
          1,
          `the score is ${score.toFixed(1)}, below the required ${minimum}: see \`crypto-lakehouse findings ${table}\``,
        ),
      )
    if (findings.some(({ check }) => check === 'rejected_rows'))
      advice.push(
        wholeFinding(table, 'look_at_quarantine', 'info', 1, 'some lines could not be decoded: see `crypto-lakehouse quarantine`'),
      )
    return advice
  })
}
