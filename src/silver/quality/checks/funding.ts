import { columnNames, contractOf, type Series } from '../../../sources/series.ts'

/** The columns that the funding rules use, or undefined for rows of another kind. */
export function fundingNames(series: Series): { readonly time: string; readonly hours: string } | undefined {
  if (contractOf(series).kind !== 'funding') return undefined
  const { event_time: time, interval_hours: hours } = columnNames(series, 'event_time', 'interval_hours')
  return { time, hours }
}
