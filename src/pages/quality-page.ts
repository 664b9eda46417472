import type { Finding } from '../core/finding.ts'
import type { Reconciliation } from '../silver/compare/reconcile.ts'
import type { DayCoverage, GapReport } from '../silver/gaps/find-gaps.ts'
import type { Assessment } from '../silver/quality/assess.ts'
import { DIMENSIONS } from '../silver/quality/checks/check.ts'
import type { Quarantine } from '../silver/quarantine/quarantine.ts'
import type { Listing } from '../silver/universe/universe.ts'
import { barChart, calendar, gauge, type Html, heading, lineChart, page, paragraph, section, table, weighted } from './page.ts'

/** The score of a symbol on a day; null when nothing could be judged. */
export type DayScore = { readonly table: string; readonly symbol: string; readonly day: string; readonly score: number | null }

/** At most this many symbols of a table get a calendar, the worst first. */
const CALENDARS = 12

/** A page with scores by table, the scores over time, a calendar of each symbol, and the findings. */
export function qualityPage(
  assessments: readonly Omit<Assessment, 'findings'>[],
  days: readonly DayScore[],
  findings: readonly Finding[],
  madeAt: string,
): string {
  const summary = assessments.map(({ table: name, rows, days: n, score, parts }) => [
    name,
    rows,
    n,
    gauge(score),
    ...DIMENSIONS.map((part) => parts[part]),
  ])
  const byTable = Map.groupBy(days, (day) => day.table)
  const tables = assessments.map(({ table: name }) => {
    const own = byTable.get(name) ?? []
    const trend = [...Map.groupBy(own, ({ day }) => day)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([day, some]) => [day, mean(some)] as const)
    const squares = own.map(({ score, ...one }) => ({
      ...one,
      share: score === null ? null : Math.max(0, (score - 50) / 50),
      label: score === null ? '–' : score.toFixed(2),
    }))
    return section(
      name,
      ...(trend.length > 1 ? [lineChart('mean score of each day', trend)] : []),
      ...calendars(squares, (some) => mean(own.filter(({ symbol }) => symbol === some))),
    )
  })
  return page('Data quality', `As of ${madeAt}. A score is 0–100; its parts are the shares of good rows.`, [
    table(['table', 'rows', 'days', 'score', ...DIMENSIONS], summary),
    ...tables,
    findingSection(findings),
  ])
}

/** A page with the findings of `quality`, by rule and one by one. */
export function findingsPage(findings: readonly Finding[], madeAt: string): string {
  return page('Findings', `As of ${madeAt}.`, [findingSection(findings)])
}

function findingSection(findings: readonly Finding[]): Html {
  const counts = new Map([...Map.groupBy(findings, ({ check }) => check)].map(([check, some]) => [check, some.length]))
  const weight = { error: 0, warning: 1, info: 2 }
  const rows = [...findings]
    .sort((a, b) => weight[a.severity] - weight[b.severity])
    .map((one) => [
      weighted(one.severity),
      one.check,
      `${one.table} ${one.symbol ?? ''}`,
      `${one.from ?? ''}${one.to === null ? '' : ` – ${one.to}`}`,
      one.count,
      one.explanation,
    ])
  const chart = findings.length === 0 ? [] : [barChart('findings by rule', counts)]
  return section('Findings', ...chart, table(['severity', 'rule', 'where', 'when', 'rows', 'what'], rows))
}

/** A page with the coverage of each day, the gaps, and their causes. */
export function gapsPage(all: GapReport['gaps'], days: readonly DayCoverage[], madeAt: string): string {
  const byTable = Map.groupBy(days, (day) => day.table)
  const byCause = new Map(
    [...Map.groupBy(all, ({ cause }) => cause)].map(([cause, some]) => [cause, some.reduce((sum, one) => sum + one.missingPeriods, 0)]),
  )
  const tables = [...byTable].map(([name, own]) =>
    section(
      name,
      ...calendars(
        own.map((one) => ({ ...one, label: `${(one.share * 100).toFixed(1)} % in the lake` })),
        (symbol) => own.reduce((sum, one) => sum + (one.symbol === symbol ? one.share : 0), 0),
      ),
    ),
  )
  const rows = all.map((one) => [one.table, one.symbol, one.gapStart, one.gapEnd, one.missingPeriods, one.cause, one.evidence])
  return page('Gaps', `As of ${madeAt}. Each square is a day: green is complete, red is empty.`, [
    ...(byCause.size === 0 ? [] : [section('Missing rows by cause', barChart('missing rows by cause', byCause))]),
    ...tables,
    section('Every gap', table(['table', 'symbol', 'from', 'to', 'missing', 'cause', 'evidence'], rows)),
  ])
}

/** A page that compares monthly and daily files. */
export function reconciliationPage(items: readonly Reconciliation[], madeAt: string): string {
  const totals = new Map([
    ['equal', sum(items, ({ equal }) => equal)],
    ['differing', sum(items, ({ differing }) => differing)],
    ['only in monthly files', sum(items, ({ onlyMonthly }) => onlyMonthly)],
    ['only in daily files', sum(items, ({ onlyDaily }) => onlyDaily)],
  ])
  const rows = items.map((one) => [
    one.table,
    one.symbol,
    one.month,
    one.days,
    one.equal,
    one.differing,
    one.onlyMonthly,
    one.onlyDaily,
    counted(one.columns),
  ])
  const differing = items.flatMap((one) =>
    one.rows.map((row) => [`${one.table} ${one.symbol} ${one.month}`, row.change, row.left, row.right]),
  )
  return page('Monthly against daily files', `As of ${madeAt}. The tables keep the monthly rows.`, [
    section('Rows', barChart('rows by agreement', totals)),
    section('Months', table(['table', 'symbol', 'month', 'days', 'equal', 'differ', 'only monthly', 'only daily', 'columns'], rows)),
    section('Rows that differ', table(['month', 'change', 'daily', 'monthly'], differing)),
  ])
}

/** A page with the symbols, and their number over time. */
export function universePage(items: readonly Listing[], madeAt: string): string {
  const markets = [...Map.groupBy(items, ({ market }) => market)].map(([market, some]) => {
    const days = some.flatMap(({ firstSeen, lastSeen }) => [firstSeen.slice(0, 10), lastSeen.slice(0, 10)])
    const steps = [...new Set(days)]
      .sort()
      .map(
        (day) =>
          [day, some.filter(({ firstSeen, lastSeen }) => firstSeen.slice(0, 10) <= day && day < lastSeen.slice(0, 10)).length] as const,
      )
    return section(`${market}: number of symbols over time`, lineChart(`symbols of ${market}`, steps, { steps: true }))
  })
  const rows = items.map((one) => [
    one.market,
    one.symbol,
    one.base,
    one.quote,
    one.contractType,
    one.multiplier,
    one.firstSeen.slice(0, 10),
    one.lastSeen.slice(0, 10),
    one.status,
  ])
  return page('Universe', `As of ${madeAt}: ${items.length} listings, including delisted symbols.`, [
    ...markets,
    section(
      'Listings',
      table(['market', 'symbol', 'base', 'quote', 'contract', 'multiplier', 'first seen', 'last seen', 'status'], rows, 2000),
    ),
  ])
}

/** A page with the quarantined objects and lines, by reason and one by one. */
export function quarantinePage({ objects, lines, total }: Quarantine, madeAt: string): string {
  const reasons = new Map([...Map.groupBy(lines, ({ reason }) => reason)].map(([reason, some]) => [reason, some.length]))
  return page('Quarantine', `As of ${madeAt}: ${objects.length} objects, ${total} lines.`, [
    ...(lines.length === 0 ? [] : [section('Lines by reason', barChart('lines by reason', reasons))]),
    section(
      'Objects',
      table(
        ['object', 'sha256', 'reason'],
        objects.map((one) => [one.key, one.sha256.slice(0, 12), one.reason]),
      ),
    ),
    section(
      'Lines',
      table(
        ['object', 'line', 'column', 'reason', 'text'],
        lines.map((one) => [one.object, one.line, one.column, one.reason, one.text]),
      ),
    ),
  ])
}

/** Calendars of the symbols, the lowest rank first. */
function calendars(
  days: readonly { readonly symbol: string; readonly day: string; readonly share: number | null; readonly label: string }[],
  rank: (symbol: string) => number,
): Html[] {
  const symbols = [...Map.groupBy(days, ({ symbol }) => symbol)]
    .map(([symbol, some]) => ({ symbol, some, rank: rank(symbol) }))
    .sort((a, b) => a.rank - b.rank)
  const charts = symbols.slice(0, CALENDARS).flatMap(({ symbol, some }) => [heading(symbol), calendar(some)])
  return symbols.length > CALENDARS ? [...charts, paragraph(`… and ${symbols.length - CALENDARS} symbols with better scores`)] : charts
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function mean(days: readonly DayScore[]): number {
  const judged = days.flatMap(({ score }) => (score === null ? [] : [score]))
  return judged.reduce((total, score) => total + score, 0) / Math.max(1, judged.length)
}
