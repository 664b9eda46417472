import { type ColumnValue, encodeHashed, type IcebergType } from './values.ts'

/** How a partition value is computed from a column value. */
export type Transform = 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' | `bucket[${number}]` | `truncate[${number}]`

/** The transforms that partition our own tables into periods. */
export type PeriodTransform = 'day' | 'month' | 'year'

export function isTransform(text: string): text is Transform {
  return /^(identity|year|month|day|hour|void|(bucket|truncate)\[[1-9]\d*\])$/.test(text)
}

/** The type of a transform's results. */
export function resultType(transform: Transform, source: IcebergType): IcebergType {
  if (transform === 'identity' || transform === 'void' || transform.startsWith('truncate')) return source
  return transform === 'day' ? 'date' : 'int'
}

const US_PER_DAY = 86_400_000_000
const US_PER_HOUR = 3_600_000_000

/** The partition value of an instant: days, months or years since 1970, rounded down. */
export function periodOf(transform: PeriodTransform, us: number): number {
  if (transform === 'day') return Math.floor(us / US_PER_DAY)
  const date = new Date(Math.floor(us / 1000))
  const years = date.getUTCFullYear() - 1970
  return transform === 'year' ? years : years * 12 + date.getUTCMonth()
}

/** The partition value of a column's value: rounded down, also before 1970 and below zero. Null stays null. */
export function applyTransform(transform: Transform, type: IcebergType, value: ColumnValue | null): ColumnValue | null {
  if (value === null || transform === 'void') return null
  switch (transform) {
    case 'identity':
      return value
    case 'year':
    case 'month':
      return periodOf(transform, type === 'date' ? Number(value) * US_PER_DAY : Number(value))
    case 'day':
      return type === 'date' ? value : periodOf('day', Number(value))
    case 'hour':
      return Math.floor(Number(value) / US_PER_HOUR)
  }
  const width = Number(/\[(\d+)\]/.exec(transform)?.[1])
  return transform.startsWith('bucket') ? (murmur3(encodeHashed(type, value)) & 0x7fffffff) % width : truncate(value, width)
}

function truncate(value: ColumnValue, width: number): ColumnValue {
  if (typeof value === 'string') return [...value].slice(0, width).join('')
  const [whole, step] = [BigInt(value), BigInt(width)]
  const down = whole - (((whole % step) + step) % step)
  return typeof value === 'bigint' ? down : Number(down)
}

/** Whether a transform keeps the order of its source, so that it can be used for range conditions. */
export function keepsOrder(transform: Transform): boolean {
  return transform !== 'void' && !transform.startsWith('bucket')
}

/** MurmurHash3, 32 bits for x86, seed 0 (Appleby 2011), as Iceberg's bucket transform wants it. */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const mix = (k: number) => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593)
  let hash = 0
  let at = 0
  for (; at + 4 <= bytes.length; at += 4) hash = (Math.imul(rotate(hash ^ mix(view.getInt32(at, true)), 13), 5) + 0xe6546b64) | 0
  let tail = 0
  for (let n = bytes.length - 1; n >= at; n--) tail = (tail << 8) | (bytes[n] ?? 0)
  if (at < bytes.length) hash ^= mix(tail)
  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
