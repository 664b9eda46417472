import { type PartitionField, partitionField, type TableShape } from '../../src/lake/iceberg/schema.ts'
import type { Transform } from '../../src/lake/iceberg/transform.ts'

/** A column of every type. */
export const FIELDS: TableShape['fields'] = (
  [
    ['id', 'long'],
    ['symbol', 'string'],
    ['ts', 'timestamptz'],
    ['local', 'timestamp'],
    ['day', 'date'],
    ['flag', 'boolean'],
    ['small', 'int'],
    ['ratio', 'float'],
    ['price', 'double'],
    ['amount', 'decimal(18, 4)'],
  ] as const
).map(([name, type], index) => ({ id: index + 1, name, type, required: false }))

export const cut = (...parts: readonly (readonly [string, Transform])[]): PartitionField[] =>
  parts.map(([source, transform], index) => partitionField(source, transform, 1000 + index))

/** Tables that are cut in every way. */
export const SPECS: Readonly<Record<string, readonly PartitionField[]>> = {
  none: [],
  month: cut(['ts', 'month']),
  'year and symbol': cut(['ts', 'year'], ['symbol', 'identity']),
  'day and bucket': cut(['day', 'day'], ['symbol', 'bucket[4]']),
  hour: cut(['ts', 'hour']),
  'truncated symbol': cut(['symbol', 'truncate[2]'], ['local', 'month']),
}

/** Rows with every type, some of them null, over some weeks around a new year. */
export const rows = (from: number, to: number, price = 'n / 8.0') => `SELECT n AS id,
  CASE WHEN n % 11 = 0 THEN NULL ELSE ['BTCUSDT', 'ETHUSDT', 'ETCUSDT', 'é币'][1 + n % 4] END AS symbol,
  TIMESTAMPTZ '2023-12-20 00:00:00+00' + INTERVAL (n % 12 * 57) HOUR AS ts,
  CASE WHEN n % 13 = 0 THEN NULL ELSE TIMESTAMP '2023-12-20 12:00:00.000001' + INTERVAL (n) DAY END AS local,
  DATE '2024-01-01' + (n % 5)::INTEGER AS day, CASE n % 3 WHEN 0 THEN true WHEN 1 THEN false END AS flag, (n % 100)::INTEGER AS small,
  (n / 2.0)::FLOAT AS ratio, (${price})::DOUBLE AS price, (n * 1.25)::DECIMAL(18, 4) AS amount FROM range(${from}, ${to}) t(n)`
