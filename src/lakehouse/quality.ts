import { LakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import { INTERVAL_IDS } from '../core/interval.ts'
import { namePatterns } from '../core/patterns.ts'
import { loadTable } from '../lake/iceberg/table.ts'
import { tableKey } from '../lake/layout.ts'
import { LedgerWriter } from '../lake/ledger/writer.ts'
import { listTables } from '../lake/tables/list-tables.ts'
import type { DecodeLimits } from '../silver/build/inputs.ts'
import { diffRevisions, listRevisions, type Reconciliation, type Revision, reconcile } from '../silver/compare/reconcile.ts'
import { explainRow, type RowOrigin } from '../silver/explain-row.ts'
import { type FillOptions, type FillReport, fillGaps } from '../silver/gaps/fill-gaps.ts'
import { type DayCoverage, dayCoverage, findGaps, type GapOptions, type GapReport } from '../silver/gaps/find-gaps.ts'
import { type Assessment, assessTable, type QualityOptions } from '../silver/quality/assess.ts'
import { type Decision, decide, type Quarantine, readQuarantine } from '../silver/quarantine/quarantine.ts'
import { ARCHIVE_LISTING, keepListing } from '../silver/universe/archive-listing.ts'
import { EXCHANGE_INFO, type KeptExchangeInfo, keepExchangeInfo } from '../silver/universe/exchange-info.ts'
import { type Listing, type UniverseFilter, universe } from '../silver/universe/universe.ts'
import type { ListedSymbol } from '../sources/archive/listed-stretches.ts'
import { findSource } from '../sources/registry.ts'
import { type Series, seriesOf, silverTableName } from '../sources/series.ts'
import type { TablesDeps } from './tables.ts'

/** What is wrong with the data of a lake, and why. Tables are named as SQL names them, or by a pattern with * and ?. */
export class Quality {
  /** What did not work besides, though the assessment is as it should be. */
  readonly findings: Finding[] = []
  readonly #deps: TablesDeps
  readonly #options: QualityOptions & DecodeLimits

  constructor(deps: TablesDeps, options: QualityOptions & DecodeLimits) {
    this.#deps = deps
    this.#options = options
  }

  /** Holds every rule against tables and replaces what silver.findings and silver.quality say of them. Throws TABLE_NOT_FOUND where a name fits none. */
  async assess(names: readonly string[]): Promise<Assessment[]> {
    const { store, commits, run, withSession, publish } = this.#deps
    const assessments: Assessment[] = []
    for (const series of await this.#series(names))
      assessments.push(await withSession((session) => assessTable({ store, session, commits, run }, series, this.#options)))
    for (const name of ['findings', 'quality', 'models'])
      if ((await loadTable(store, tableKey('silver', name))) !== undefined) this.findings.push(...(await publish(tableKey('silver', name))))
    return assessments
  }

  /** The gaps of tables, with their causes. */
  async gaps(names: readonly string[], options: Omit<GapOptions, 'nowUs'>): Promise<Map<string, GapReport>> {
    const { store, withSession } = this.#deps
    const reports = new Map<string, GapReport>()
    for (const series of await this.#series(names)) {
      const found = await withSession((session) => findGaps({ store, session }, series, { ...options, nowUs: this.#options.nowUs }))
      reports.set(`silver.${silverTableName(series)}`, found)
    }
    return reports
  }

  /** How gaps of tables are filled, table by table, finest first; with `write` they are. Throws COMMIT_CONFLICT. */
  async fillGaps(names: readonly string[], options: Omit<FillOptions, 'nowUs'>): Promise<FillReport[]> {
    const { store, commits, run, withSession, publish } = this.#deps
    const finestFirst = (await this.#series(names)).sort((a, b) => placeOf(a) - placeOf(b))
    const reports: FillReport[] = []
    for (const series of finestFirst) {
      const filled = await withSession((session) =>
        fillGaps({ store, session, commits, run }, series, { ...options, nowUs: this.#options.nowUs }),
      )
      reports.push(filled)
      if (filled.rowsFilled > 0) this.findings.push(...(await publish(tableKey('silver', silverTableName(series)))))
    }
    if (options.write && (await loadTable(store, tableKey('silver', 'fills'))) !== undefined)
      this.findings.push(...(await publish(tableKey('silver', 'fills'))))
    return reports
  }

  /** How much of each day of each symbol tables of bars hold. */
  async coverage(names: readonly string[], symbols: string): Promise<DayCoverage[]> {
    const { store, withSession } = this.#deps
    const days: DayCoverage[] = []
    for (const series of await this.#series(names))
      days.push(...(await withSession((session) => dayCoverage({ store, session }, series, symbols))))
    return days
  }

  /** How monthly and daily files agree, month by month; replaces what silver.reconciliation says of the tables. */
  async reconcile(names: readonly string[]): Promise<Reconciliation[]> {
    const { store, commits, run, withSession, publish } = this.#deps
    const found: Reconciliation[] = []
    for (const series of await this.#series(names))
      found.push(...(await withSession((session) => reconcile({ store, session, commits, run }, series, this.#options))))
    if (found.length > 0) this.findings.push(...(await publish(tableKey('silver', 'reconciliation'))))
    return found
  }

  /** Every revision of objects that the exchange has replaced, or of one object. */
  async revisions(key?: string): Promise<Revision[]> {
    return await this.#deps.withSession((session) => listRevisions({ store: this.#deps.store, session }, key))
  }

  /** What the current revision of an object changed against a former one. Throws OBJECT_NOT_FOUND. */
  async diffRevisions(key: string, from: string | undefined, limit: number): ReturnType<typeof diffRevisions> {
    const { store, withSession } = this.#deps
    return await withSession((session) => diffRevisions({ store, session }, key, from, { ...this.#options, limit }))
  }

  /** Object, revision, line and text of the rows of a symbol at an instant, µs. Throws TABLE_NOT_FOUND, ROW_NOT_FOUND. */
  async explainRow(name: string, row: { symbol: string; at: number; id: string | undefined }): Promise<RowOrigin[]> {
    const { store, withSession } = this.#deps
    const [series] = await this.#series([name])
    if (series === undefined) return []
    return await withSession((session) => explainRow({ store, session }, series, { ...row, maxEntryBytes: this.#options.maxEntryBytes }))
  }

  /** Objects and lines that could not be trusted. */
  async quarantine(limit: number): Promise<Quarantine> {
    return await this.#deps.withSession((session) => readQuarantine({ store: this.#deps.store, session }, limit))
  }

  /** Records what is to become of a quarantined line, or object. Throws ROW_NOT_FOUND, CORRECTION_INVALID. */
  async decide(key: string, decision: Decision): Promise<void> {
    const { store, run, commits, withSession } = this.#deps
    const ledger = new LedgerWriter({ store, run, nowMs: commits.nowMs })
    await withSession((session) => decide({ store, session, ledger }, key, decision, this.#options))
  }

  /** Keeps what an exchange has said of its instruments, the answer as it was given; the universe knows it from then on. Throws EXCHANGE_INFO_INVALID. */
  async keepExchangeInfo(exchange: string, bytes: Uint8Array, name: string): Promise<KeptExchangeInfo> {
    const { store, commits, run, withSession, publish } = this.#deps
    const kept = await withSession((session) => keepExchangeInfo({ store, session, commits, run }, findSource(exchange), bytes, name))
    this.findings.push(...(await publish(EXCHANGE_INFO)))
    return kept
  }

  /** Keeps what the archive of an exchange lists of a market; the universe knows it from then on. */
  async keepListing(exchange: string, market: string, symbols: readonly ListedSymbol[]): Promise<void> {
    const { store, commits, run, withSession, publish } = this.#deps
    await withSession((session) => keepListing({ store, session, commits, run }, exchange, market, symbols))
    this.findings.push(...(await publish(ARCHIVE_LISTING)))
  }

  /** The symbols that the lake knows, with the time of each. */
  async universe(filter: UniverseFilter): Promise<Listing[]> {
    return await this.#deps.withSession((session) => universe({ store: this.#deps.store, session }, filter))
  }

  async #series(names: readonly string[]): Promise<Series[]> {
    const all = (await listTables(this.#deps.store, 'silver')).flatMap((name) => {
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
          `no silver table of the exchange is called ${name}: there are ${all.map((one) => one.name).join(', ') || 'none'}`,
          {
            details: { table: name },
          },
        )
      for (const { series } of found) chosen.add(series)
    }
    return [...chosen]
  }
}

/** Fine bars before those that may be made of them. */
function placeOf({ interval }: Series): number {
  return interval === undefined ? -1 : INTERVAL_IDS.indexOf(interval)
}

/** What falls short of the thresholds, each with the command that tells more. */
export function recommendations(
  assessments: readonly Assessment[],
  { minimum, completeness }: { minimum: number; completeness: number },
): Finding[] {
  return assessments.flatMap(({ table, score, parts, findings }) => {
    const advice: Finding[] = []
    if (parts.completeness !== null && parts.completeness < completeness) {
      const share = `${(parts.completeness * 100).toFixed(1)} % complete, ${completeness * 100} % are asked for`
      advice.push(wholeFinding(table, 'incomplete', 'warning', 1, `${share}: crypto-lakehouse gaps ${table}`))
    }
    if (score !== null && score < minimum)
      advice.push(
        wholeFinding(
          table,
          'low_quality',
          'warning',
          1,
          `a score of ${score.toFixed(1)}, ${minimum} is asked for: crypto-lakehouse findings ${table}`,
        ),
      )
    if (findings.some(({ check }) => check === 'rejected_rows'))
      advice.push(wholeFinding(table, 'look_at_quarantine', 'info', 1, 'lines could not be typed: crypto-lakehouse quarantine'))
    return advice
  })
}
