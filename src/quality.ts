import { type Series, seriesOf, silverTableName } from './core/datasets/registry.ts'
import { LakehouseError } from './core/errors.ts'
import { type Finding, wholeFinding } from './core/finding.ts'
import { loadTable } from './lake/iceberg/table.ts'
import { tableKey } from './lake/layout.ts'
import { listTables } from './lake/tables.ts'
import { type Assessment, assessTable, type QualityOptions } from './silver/assess.ts'
import { findGaps, type GapOptions, type GapReport } from './silver/gaps/find-gaps.ts'
import type { TablesDeps } from './tables.ts'

/** What is wrong with the data of a lake, and why. Tables are named as SQL names them, or by a pattern with * and ?. */
export class Quality {
  /** What did not work besides, though the assessment is as it should be. */
  readonly findings: Finding[] = []
  readonly #deps: TablesDeps
  readonly #options: QualityOptions

  constructor(deps: TablesDeps, options: QualityOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** Holds every rule against tables and replaces what silver.findings and silver.quality say of them. Throws TABLE_NOT_FOUND where a name fits none. */
  async assess(names: readonly string[]): Promise<Assessment[]> {
    const { store, commits, run, withSession, publish } = this.#deps
    const assessments: Assessment[] = []
    for (const series of await this.#series(names))
      assessments.push(await withSession((session) => assessTable({ store, session, commits, run }, series, this.#options)))
    for (const name of ['findings', 'quality'])
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

  async #series(names: readonly string[]): Promise<Series[]> {
    const all = (await listTables(this.#deps.store, 'silver')).flatMap((name) => {
      const series = seriesOf(name)
      return series === undefined ? [] : [{ name: `silver.${name}`, series }]
    })
    if (names.length === 0) return all.map(({ series }) => series)
    const chosen = new Set<Series>()
    for (const name of names) {
      const pattern = new RegExp(
        `^${(name.includes('.') ? name : `silver.${name}`).replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`,
      )
      const found = all.filter((one) => pattern.test(one.name))
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
