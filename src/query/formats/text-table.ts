/** A table as text: a header, a rule, one line a row; numbers to the right. Widths count code points, so that CJK symbols may stand out. */
export function textTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map(formatCell))
  const numeric = columns.map(
    (_, index) =>
      rows.length > 0 && rows.every((row) => row[index] === null || typeof row[index] === 'number' || typeof row[index] === 'bigint'),
  )
  const widths = columns.map((name, index) => Math.max(width(name), ...cells.map((row) => width(row[index] ?? ''))))
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0, numeric[index] === true))
      .join('  ')
      .trimEnd()
  return [line(columns), widths.map((length) => '─'.repeat(length)).join('  '), ...cells.map(line)].join('\n')
}

/** A value as a person reads it: instants in ISO 8601, null as nothing. */
function formatCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z')
  if (typeof value === 'object') return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? Number(item) : item))
  return String(value)
}

function width(text: string): number {
  return [...text].length
}

function pad(text: string, length: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, length - width(text)))
  return right ? space + text : text + space
}
