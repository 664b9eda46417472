import type { Source } from './contract.ts'
import { type Series, sourceOf } from './series.ts'

/** SQL of the date in an object's key, YYYY-MM-DD or YYYY-MM; `key` is SQL. */
export function dateSql({ archive }: Source, key: string): string {
  return archive.dateSql(archiveKeySql(archive.objectPrefix, key))
}

/** SQL of the symbol in an object's key. */
export function symbolSql({ archive }: Source, key: string): string {
  return archive.symbolSql(archiveKeySql(archive.objectPrefix, key))
}

/** SQL of the first instant that an object's key claims, µs. */
export function startSql(source: Source, key: string): string {
  return `epoch_us(${firstDaySql(source, key)})`
}

/** SQL of the instant after the last that an object's key claims, µs. */
export function endSql(source: Source, key: string): string {
  return `epoch_us(${firstDaySql(source, key)} + CASE WHEN length(${dateSql(source, key)}) = 7 THEN INTERVAL 1 MONTH ELSE INTERVAL 1 DAY END)`
}

/** SQL that is true for the keys of a series' objects. */
export function belongsSql(series: Series, key: string): string {
  const { objectPrefix, root, ownsSql } = sourceOf(series).archive
  return `starts_with(${key}, '${objectPrefix}${root}') AND (${ownsSql(series, archiveKeySql(objectPrefix, key))})`
}

function firstDaySql(source: Source, key: string): string {
  return `rpad(${dateSql(source, key)}, 10, '-01')::TIMESTAMP`
}

/** SQL of an object's key as the archive of its exchange writes it. */
function archiveKeySql(objectPrefix: string, key: string): string {
  return objectPrefix === '' ? key : `substr(${key}, ${objectPrefix.length + 1})`
}
