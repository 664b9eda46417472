import { LakehouseError } from '../core/errors.ts'
import { text, type Values } from './command.ts'

// Options that are numbers with units. Each is undefined when the option is absent.

/** Bytes: 1500, 10M, 2.5G (powers of 1024). Throws USAGE. */
export function bytes(values: Values, option: string): number | undefined {
  const value = text(values, option)
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([kKMGT]?)i?B?$/.exec(value)
  if (match === null) throw new LakehouseError('USAGE', `--${option} "${value}" is not a number of bytes: write 1500, 10M or 2.5G`)
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match[2] ?? '').toUpperCase())
  return Math.round(Number(match[1]) * 1024 ** power)
}

/** Milliseconds: 90s, 30m, 2h, 7d. Throws USAGE. */
export function duration(values: Values, option: string): number | undefined {
  const value = text(values, option)
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value)
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? '']
  if (match === null || unit === undefined)
    throw new LakehouseError('USAGE', `--${option} "${value}" is not a duration: write 90s, 30m, 2h or 7d`)
  return Number(match[1]) * unit
}

/** A whole number of at least `least`. Throws USAGE. */
export function count(values: Values, option: string, least: number): number | undefined {
  const value = text(values, option)
  if (value === undefined) return undefined
  if (!/^\d+$/.test(value) || Number(value) < least)
    throw new LakehouseError('USAGE', `--${option} "${value}" is not valid: write a whole number of at least ${least}`)
  return Number(value)
}

/** A share from 0 to 1. Throws USAGE. */
export function share(values: Values, option: string): number | undefined {
  const value = text(values, option)
  if (value === undefined) return undefined
  if (!/^\d*\.?\d+$/.test(value) || Number(value) > 1)
    throw new LakehouseError('USAGE', `--${option} "${value}" is not valid: write a number from 0 to 1`)
  return Number(value)
}
