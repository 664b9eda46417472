import { intersection, type TimeRange } from './time.ts'

/** Half-open ranges in order, joined where they touch or overlap, without empty ranges. */
export function union(ranges: Iterable<TimeRange>): TimeRange[] {
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of [...ranges].filter((range) => range.start < range.end).sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else joined.push({ start, end })
  }
  return joined
}

/** The parts of `a` that are not in `b`. */
export function difference(a: Iterable<TimeRange>, b: Iterable<TimeRange>): TimeRange[] {
  const away = union(b)
  return union(a).flatMap((range) => {
    const left: TimeRange[] = []
    let { start } = range
    for (const other of away) {
      if (other.end <= start || other.start >= range.end) continue
      if (other.start > start) left.push({ start, end: other.start })
      start = Math.max(start, other.end)
    }
    if (start < range.end) left.push({ start, end: range.end })
    return left
  })
}

/** The parts that are in both `a` and `b`. */
export function common(a: Iterable<TimeRange>, b: Iterable<TimeRange>): TimeRange[] {
  const others = union(b)
  return union(a).flatMap((range) => others.map((other) => intersection(range, other)).filter((both) => both !== undefined))
}

/** Microseconds in the ranges, each instant counted once. */
export function length(ranges: Iterable<TimeRange>): number {
  return union(ranges).reduce((total, { start, end }) => total + end - start, 0)
}
