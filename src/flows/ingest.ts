import { type LandOutcome, landObject } from '../bronze/bulk/land.ts'
import { foldIntoTable } from '../bronze/objects-table.ts'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { type Finding, wholeFinding } from '../core/finding.ts'
import { type Interval, isIntraday } from '../core/interval.ts'
import { namePatterns } from '../core/patterns.ts'
import { formatInstant } from '../core/time.ts'
import { type BarSeries, barTableName, sourceIntervals } from '../gold/bars/bars.ts'
import { buildBars } from '../gold/bars/build-bars.ts'
import { buildUniverse, UNIVERSE } from '../gold/build-universe.ts'
import { buildIndicators, indicatorTables } from '../gold/indicators/build-indicators.ts'
import type { CommitDeps } from '../lake/iceberg/commit.ts'
import { type Layer, tableKey } from '../lake/layout.ts'
import { currentObjects, foldLedger, type ObjectState, oneKeyPerFolder } from '../lake/ledger/fold.ts'
import type { LedgerWriter } from '../lake/ledger/writer.ts'
import type { Run } from '../lake/runs/run.ts'
import { sweepAfterCrash } from '../lake/runs/sweep.ts'
import { everyTable } from '../lake/tables/list-tables.ts'
import type { DuckDBSession } from '../platform/duckdb/session.ts'
import { mapConcurrent } from '../platform/map-concurrent.ts'
import type { BuildPool } from '../silver/build/build-pool.ts'
import { buildSilverTable } from '../silver/build/build-table.ts'
import { type CoveredMonth, continuityFindings, missingDays } from '../silver/build/continuity.ts'
import { SilverTally } from '../silver/build/tally.ts'
import { refillGaps } from '../silver/gaps/fill-gaps.ts'
import type { OpenArchive } from '../sources/archive/discover.ts'
import { fileRange } from '../sources/archive/file-range.ts'
import { type ArchiveRequest, type PlannedFile, type PlannedSeries, planArchive, planOne } from '../sources/archive/plan-archive.ts'
import { objectKey, parseObjectKey } from '../sources/objects.ts'
import { isTradedBars, offerOf, type Series, silverTableName } from '../sources/series.ts'
import type { ObjectStore } from '../storage/object-store.ts'

export type IngestRequest = ArchiveRequest & { readonly layers: ReadonlySet<Layer>; readonly barIntervals: readonly Interval[] }

export type IngestDeps = {
  /** Makes a table that was written known to those who do not look at the lake itself; what did not work is told. */
  readonly publish: (root: string) => Promise<Finding[]>
  readonly archive: OpenArchive
  readonly store: ObjectStore
  readonly session: DuckDBSession
  readonly ledger: LedgerWriter
  readonly pool: BuildPool
  readonly run: Run
  readonly commits: CommitDeps
  readonly attempt: <T>(call: () => Promise<T>) => Promise<T>
  readonly signal: AbortSignal
  readonly concurrency: number
  readonly limits: { readonly maxEntryBytes: number }
  readonly onProgress: (progress: IngestProgress) => void
}

/** What a progress display needs to know; counts grow as the plan is discovered. */
export type IngestProgress = {
  phase: 'plan' | 'bronze' | 'silver' | 'gold' | 'done'
  planned: number
  landed: number
  bytes: number
  table: string
  rows: number
}

export type IngestCounts = {
  filesPlanned: number
  filesFetched: number
  filesSkipped: number
  filesQuarantined: number
  filesFailed: number
  rowsRead: number
  rowsWritten: number
  rowsRejected: number
  duplicatesDropped: number
  bytesRead: number
  csvBytes: number
  partitionsWritten: number
  partitionsUnchanged: number
  barsWritten: number
  gaps: number
  missingBars: number
}

export type IngestResult = {
  readonly counts: IngestCounts
  readonly findings: readonly Finding[]
  readonly errors: readonly LakehouseError[]
  readonly tables: readonly string[]
  readonly swept: { readonly temporaries: number; readonly orphans: number }
}

/** Archive → bronze → silver → gold for what the request names. Whatever an earlier run has finished is found and left as it is. */
export async function ingest(deps: IngestDeps, request: IngestRequest): Promise<IngestResult> {
  return await new Ingestion(deps, request).run()
}

class Ingestion {
  readonly #deps: IngestDeps
  readonly #request: IngestRequest
  readonly #findings: Finding[] = []
  readonly #errors: LakehouseError[] = []
  readonly #tables = new Map<string, Series>()
  readonly #failed = new Set<string>()
  readonly #months = new Map<string, CoveredMonth[]>()
  readonly #progress: IngestProgress = { phase: 'plan', planned: 0, landed: 0, bytes: 0, table: '', rows: 0 }
  readonly #counts: IngestCounts = {
    filesPlanned: 0,
    filesFetched: 0,
    filesSkipped: 0,
    filesQuarantined: 0,
    filesFailed: 0,
    rowsRead: 0,
    rowsWritten: 0,
    rowsRejected: 0,
    duplicatesDropped: 0,
    bytesRead: 0,
    csvBytes: 0,
    partitionsWritten: 0,
    partitionsUnchanged: 0,
    barsWritten: 0,
    gaps: 0,
    missingBars: 0,
  }

  constructor(deps: IngestDeps, request: IngestRequest) {
    this.#deps = deps
    this.#request = request
  }

  async run(): Promise<IngestResult> {
    const { store, session, run, ledger } = this.#deps
    const { killed, ...swept } = await sweepAfterCrash(store, run)
    // They may have committed what they could not tell of any more.
    if (killed > 0) for (const root of await everyTable(store)) this.#findings.push(...(await this.#deps.publish(root)))
    await foldLedger(session, store)
    if (this.#request.layers.has('bronze')) await this.#land(planArchive(this.#deps.archive, this.#request))
    else await this.#noteHeld()
    if (this.#counts.filesPlanned === 0 && this.#tables.size === 0) this.#noteNothing()
    const isSilver = this.#request.layers.has('silver')
    const built: Series[] = []
    for (const series of isSilver ? this.#tables.values() : []) if (await this.#buildSilver(series)) built.push(series)
    for (const series of built) await this.#refill(series)
    if (this.#request.layers.has('gold')) await this.#buildGold()
    await ledger.flush()
    await foldIntoTable({ ...this.#deps, run: run.id })
    this.#report({ phase: 'done' })
    return {
      counts: this.#counts,
      findings: this.#findings,
      errors: this.#errors,
      tables: [...this.#tables.keys()].map((name) => `silver.${name}`),
      swept,
    }
  }

  /** Lands the files of every series that the plan brings, as they come. */
  async #land(plan: AsyncIterable<PlannedSeries>): Promise<void> {
    this.#report({ phase: 'bronze' })
    const { concurrency, signal } = this.#deps
    const files = this.#plannedFiles(plan)
    for await (const outcome of mapConcurrent(files, { limit: concurrency, signal }, ({ planned, known }) =>
      landObject(this.#deps, planned, known),
    )) {
      this.#tally(outcome)
    }
    await this.#deps.ledger.flush()
  }

  async *#plannedFiles(plan: AsyncIterable<PlannedSeries>): AsyncGenerator<{ planned: PlannedFile; known: ObjectState | undefined }> {
    for await (const planned of plan) {
      this.#note(planned)
      const known = new Map<string, ObjectState>()
      for (const period of ['daily', 'monthly'] as const) {
        const { source } = this.#deps.archive
        const prefix = objectKey(source, source.archive.seriesPrefix(planned.series, period))
        for (const [key, state] of await currentObjects(this.#deps.session, prefix)) known.set(key, state)
      }
      for (const file of planned.files) yield { planned: file, known: known.get(file.key) }
    }
  }

  #note({ series, files, uncovered, unparsed }: PlannedSeries): void {
    this.#counts.filesPlanned += files.length
    this.#report({ planned: this.#counts.filesPlanned })
    const subject = `silver.${silverTableName(series)}`
    if (files.length > 0) this.#noteTable(series, files)
    for (const gap of uncovered) {
      const severity = this.#request.range !== undefined && gap.reason === 'not_in_archive' ? 'warning' : 'info'
      const explanation = `no file of the archive covers it: ${gap.reason.replaceAll('_', ' ')}`
      this.#findings.push({
        check: 'uncovered',
        severity,
        table: subject,
        symbol: series.symbol,
        from: formatInstant(gap.start),
        to: formatInstant(gap.end),
        count: 1,
        explanation,
      })
    }
    for (const key of unparsed) {
      const explanation = `${key} does not follow the grammar of the archive and was left alone`
      this.#findings.push({
        check: 'unknown_key',
        severity: 'info',
        table: subject,
        symbol: series.symbol,
        from: null,
        to: null,
        count: 1,
        explanation,
      })
    }
  }

  #noteNothing(): void {
    const { symbols, markets, intervals } = this.#request
    const asked = [...markets, ...symbols, ...intervals].join(' ')
    const explanation = `nothing matches the selection (${asked || 'everything'}): see catalog symbols and catalog files`
    this.#findings.push(wholeFinding('bronze.objects', 'nothing_selected', 'warning', 0, explanation))
  }

  /** Without bronze the archive is not asked: the tables are those of the objects that the lake holds. */
  async #noteHeld(): Promise<void> {
    const { exchange, types, markets, symbols, intervals } = this.#request
    const { matches } = namePatterns(symbols)
    for (const key of await oneKeyPerFolder(this.#deps.session)) {
      const file = parseObjectKey(key)
      const { market, dataset, symbol, interval } = file
      const wanted =
        file.exchange === exchange && types.includes(dataset) && matches(symbol) && (markets.length === 0 || markets.includes(market))
      const fits = intervals.length === 0 || (interval !== undefined && intervals.includes(interval))
      if (wanted && fits) this.#noteTable(file, [])
    }
  }

  #noteTable({ exchange, market, dataset, interval }: Series, files: readonly PlannedFile[]): void {
    const series = { exchange, market, dataset, interval }
    const name = silverTableName(series)
    this.#tables.set(name, series)
    const months = this.#months.get(name) ?? []
    for (const { file, key } of files) if (file.period === 'monthly') months.push({ key, symbol: file.symbol, ...fileRange(file) })
    this.#months.set(name, months)
  }

  #tally(outcome: LandOutcome): void {
    const counts = this.#counts
    this.#report({ landed: this.#progress.landed + 1, bytes: this.#progress.bytes + ('sizeBytes' in outcome ? outcome.sizeBytes : 0) })
    switch (outcome.status) {
      case 'skipped':
        counts.filesSkipped++
        break
      case 'landed':
      case 'adopted':
      case 'revised':
        counts.filesFetched++
        counts.bytesRead += outcome.sizeBytes
        if (outcome.checksum === 'absent')
          this.#noteObject(
            'checksum_missing',
            'warning',
            outcome.key,
            'the archive has no checksum file for it; the digest was computed here',
          )
        if (outcome.status === 'revised')
          this.#noteObject('republished', 'info', outcome.key, 'the archive has replaced it; the former revision is kept')
        break
      case 'quarantined':
        counts.filesQuarantined++
        this.#noteObject(outcome.error.code.toLowerCase(), 'error', outcome.key, outcome.error.message)
        break
      case 'failed':
        counts.filesFailed++
        this.#failed.add(outcome.key)
        this.#errors.push(outcome.error)
        break
    }
  }

  #noteObject(check: string, severity: Finding['severity'], key: string, explanation: string): void {
    const { symbol } = parseObjectKey(key)
    this.#findings.push({
      check,
      severity,
      table: 'bronze.objects',
      symbol,
      from: null,
      to: null,
      count: 1,
      explanation: explanation.startsWith(key) ? explanation : `${key}: ${explanation}`,
    })
  }

  /** False where the table cannot be written to, which keeps no other from being built. */
  async #buildSilver(series: Series): Promise<boolean> {
    try {
      await this.#buildTable(series)
      return true
    } catch (error) {
      if (!(error instanceof LakehouseError) || error.code !== 'TABLE_CUT_OTHERWISE') throw error
      this.#errors.push(error)
      return false
    }
  }

  async #buildTable(series: Series): Promise<void> {
    const table = silverTableName(series)
    this.#report({ phase: 'silver', table, rows: 0 })
    const tally = new SilverTally(table)
    const onFile = ({ rows }: { rows: number }) => this.#report({ rows: this.#progress.rows + rows })
    const build = () => buildSilverTable({ ...this.#deps, run: this.#deps.run.id, onFile }, series, tally)
    const first = await build()
    const second = (await this.#fillMonths(series)) ? await build() : undefined
    const written = Math.max(first.partitionsWritten, second?.partitionsWritten ?? 0)
    this.#counts.partitionsWritten += written
    this.#counts.partitionsUnchanged += first.partitionsUnchanged
    const { objectsRefused, ...counts } = tally.counts()
    for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) this.#counts[name] += count
    this.#counts.filesQuarantined += objectsRefused
    this.#findings.push(...tally.findings())
    if (written === 0) return
    this.#findings.push(...(await this.#deps.publish(tableKey('silver', table))))
    const { findings, gaps, missing } = await continuityFindings(this.#deps, series)
    this.#findings.push(...findings)
    this.#counts.gaps += gaps
    this.#counts.missingBars += missing
  }

  /** What once filled gaps of a table goes when its partition is made anew: what is still missing is filled again. */
  async #refill(series: Series): Promise<void> {
    const filled = await refillGaps({ ...this.#deps, run: this.#deps.run.id }, series, { nowUs: this.#request.now })
    if (filled === undefined) return
    const table = `silver.${silverTableName(series)}`
    this.#findings.push(
      wholeFinding(table, 'gaps_filled', 'info', filled.rowsFilled, `${filled.rowsFilled} rows that fill gaps were made anew`),
    )
    this.#findings.push(...(await this.#deps.publish(tableKey('silver', silverTableName(series)))))
  }

  /** Lands the daily files of days that monthly files turned out to lack; true when there were any. */
  async #fillMonths(series: Series): Promise<boolean> {
    const daily = series.interval === undefined || isIntraday(series.interval) || series.interval === '1d'
    if (!this.#request.layers.has('bronze') || offerOf(series) === undefined || !daily) return false
    const months = (this.#months.get(silverTableName(series)) ?? []).filter(({ key }) => !this.#failed.has(key))
    if (months.length === 0) return false
    await this.#deps.ledger.flush()
    await foldLedger(this.#deps.session, this.#deps.store)
    const lacking = await missingDays(this.#deps, series, months)
    const before = this.#counts.filesFetched
    for (const [symbol, days] of lacking) {
      const planned = await planOne(this.#deps.archive, { ...series, symbol }, this.#request, days)
      const files = planned.files.filter(({ file }) => file.period === 'daily' && days.has(file.date))
      await this.#land(justOne({ ...planned, files, uncovered: [], unparsed: [] }))
    }
    return this.#counts.filesFetched > before
  }

  async #buildGold(): Promise<void> {
    const { exchange } = this.#request
    const markets = new Set([...this.#tables.values()].filter(isTradedBars).map(({ market }) => market))
    const fine = new Set([...this.#tables.values()].map((series) => series.interval))
    for (const market of markets) {
      for (const interval of this.#request.barIntervals) {
        if (!sourceIntervals(interval).some((source) => fine.has(source))) continue
        await this.#buildBarTable({ exchange, market, interval })
      }
    }
    const { store, publish, run } = this.#deps
    for (const table of await indicatorTables(store)) {
      this.#report({ phase: 'gold', table: table.name })
      const outcome = await buildIndicators({ ...this.#deps, run: run.id }, table).catch((error: unknown) => {
        const { code, message } = asLakehouseError(error)
        if (code !== 'TABLE_NOT_FOUND' && code !== 'INDICATOR_INVALID') throw error
        this.#findings.push(wholeFinding(`gold.${table.name}`, 'indicators_stale', 'warning', 1, `${message}: it stays as it was`))
        return { partitionsWritten: 0, partitionsUnchanged: 0 }
      })
      this.#counts.partitionsWritten += outcome.partitionsWritten
      this.#counts.partitionsUnchanged += outcome.partitionsUnchanged
      if (outcome.partitionsWritten > 0) this.#findings.push(...(await publish(tableKey('gold', table.name))))
    }
    this.#report({ phase: 'gold', table: 'universe' })
    if (((await buildUniverse({ ...this.#deps, run: run.id })) ?? 0) > 0) this.#findings.push(...(await publish(UNIVERSE)))
  }

  async #buildBarTable(series: BarSeries): Promise<void> {
    this.#report({ phase: 'gold', table: `${series.market} ${series.interval}` })
    const outcome = await buildBars({ ...this.#deps, run: this.#deps.run.id }, series)
    this.#counts.barsWritten += outcome.rowsWritten
    this.#counts.partitionsWritten += outcome.partitionsWritten
    this.#counts.partitionsUnchanged += outcome.partitionsUnchanged
    if (outcome.partitionsWritten > 0) this.#findings.push(...(await this.#deps.publish(tableKey('gold', barTableName(series)))))
  }

  #report(change: Partial<IngestProgress>): void {
    Object.assign(this.#progress, change)
    this.#deps.onProgress(this.#progress)
  }
}

async function* justOne<T>(item: T): AsyncGenerator<T> {
  yield item
}
