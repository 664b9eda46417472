import { asLakehouseError } from '../../core/errors.ts'
import { wholeFinding } from '../../core/finding.ts'
import { type BarSeries, barTableName, sourceIntervals } from '../../gold/bars/bars.ts'
import { buildBars } from '../../gold/bars/build-bars.ts'
import { buildUniverse, UNIVERSE } from '../../gold/build-universe.ts'
import { buildIndicators, indicatorTables } from '../../gold/indicators/build-indicators.ts'
import type { Lake } from '../../lake/lake.ts'
import { tableKey } from '../../lake/layout.ts'
import { isUnreadable, orFinding } from '../../lake/tables/unreadable.ts'
import { isTradedBars } from '../../sources/series.ts'
import type { IngestReport } from './report.ts'
import type { IngestRequest } from './request.ts'

/** Brings gold up to date with silver: bars of the ingested markets, every saved table of indicators, and the universe. */
export async function deriveGold(lake: Lake, { exchange, barIntervals }: IngestRequest, report: IngestReport): Promise<void> {
  const selected = report.selected.map(({ series }) => series)
  const fine = new Set(selected.map(({ interval }) => interval))
  for (const market of new Set(selected.filter(isTradedBars).map((series) => series.market)))
    for (const interval of barIntervals)
      if (sourceIntervals(interval).some((source) => fine.has(source))) await deriveBars(lake, { exchange, market, interval }, report)
  await deriveIndicators(lake, report)
  report.tell({ phase: 'gold', table: 'universe' })
  if (((await orFinding(UNIVERSE, report.findings, () => buildUniverse(lake))) ?? 0) > 0) await lake.publish(UNIVERSE)
}

async function deriveBars(lake: Lake, series: BarSeries, report: IngestReport): Promise<void> {
  report.tell({ phase: 'gold', table: `${series.market} ${series.interval}` })
  const built = await orFinding(tableKey('gold', barTableName(series)), report.findings, () => buildBars(lake, series))
  if (built === undefined) return
  const { rowsWritten, partitionsWritten, partitionsUnchanged } = built
  report.add({ barsWritten: rowsWritten, partitionsWritten, partitionsUnchanged })
  if (partitionsWritten > 0) await lake.publish(tableKey('gold', barTableName(series)))
}

async function deriveIndicators(lake: Lake, report: IngestReport): Promise<void> {
  for (const table of await indicatorTables(lake)) {
    report.tell({ phase: 'gold', table: table.name })
    try {
      const { partitionsWritten, partitionsUnchanged } = await buildIndicators(lake, table)
      report.add({ partitionsWritten, partitionsUnchanged })
      if (partitionsWritten > 0) await lake.publish(tableKey('gold', table.name))
    } catch (error) {
      const { code, message } = asLakehouseError(error)
      if (code !== 'TABLE_NOT_FOUND' && code !== 'INDICATOR_INVALID' && !isUnreadable(error)) throw error
      report.findings.push(
        wholeFinding(`gold.${table.name}`, 'indicators_stale', 'warning', 1, `${message}; gold.${table.name} was not updated`),
      )
    }
  }
}
