import { LakehouseError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Indicator, InputName } from './indicator.ts'
import { INDICATORS } from './registry.ts'

/** An indicator with its parameters and the names of its output columns. */
export type IndicatorSpec = {
  readonly indicator: Indicator
  readonly parameters: Readonly<Record<string, number>>
  readonly columns: readonly string[]
}

/** The indicator with an id. Throws INDICATOR_INVALID. */
export function findIndicator(id: string): Indicator {
  const found = INDICATORS.find((one) => one.id === id.toLowerCase())
  if (found !== undefined) return found
  const near = nearest(
    id.toLowerCase(),
    INDICATORS.map((one) => one.id),
  )
  throw invalid(
    `unknown indicator "${id}"${near === undefined ? '' : `, did you mean ${near}?`} (run crypto-lakehouse indicators list to list all indicators)`,
    id,
  )
}

/**
 * Reads indicators from text: `rsi(14), macd(12, 26, 9), bollinger(width=2.5)`. Parameters are given by position or by name; the others have their defaults.
 * A column name is the output and the parameters up to the last given one: rsi_14, macd_signal_12_26_9, bollinger_upper_20_2.5. Throws INDICATOR_INVALID.
 */
export function parseIndicators(text: string): IndicatorSpec[] {
  const specs: IndicatorSpec[] = []
  const call = /\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*(?:,|$)/y
  while (call.lastIndex < text.length) {
    const from = call.lastIndex
    const match = call.exec(text)
    if (match === null)
      throw invalid(
        `"${text.slice(from).trim()}" is not an indicator: write name(value, …) or name(parameter=value, …), as in rsi(14)`,
        text,
      )
    specs.push(specOf(findIndicator(match[1] ?? ''), match[2] ?? ''))
  }
  if (specs.length === 0) throw invalid('the list of indicators is empty: write for example rsi(14), macd(12, 26, 9)', text)
  const columns = specs.flatMap((spec) => spec.columns)
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) throw invalid(`two indicators have the same column ${twice}: remove one of them, or change its parameters`, text)
  return specs
}

function specOf(indicator: Indicator, text: string): IndicatorSpec {
  const names = Object.keys(indicator.parameters)
  const parameters: Record<string, number> = Object.fromEntries(names.map((name) => [name, indicator.parameters[name]?.default ?? 0]))
  let named = Math.min(1, names.length)
  const given = new Set<string>()
  const parts = text.trim() === '' ? [] : text.split(',')
  for (const [position, part] of parts.entries()) {
    const [, key, raw = ''] = /^\s*(?:([A-Za-z_]\w*)\s*(?:=|:=)\s*)?(\S*?)\s*$/.exec(part) ?? []
    const at = key === undefined ? position : names.indexOf(key)
    const name = names[at]
    const parameter = name === undefined ? undefined : indicator.parameters[name]
    if (name === undefined || parameter === undefined)
      throw invalid(
        `${indicator.id} has no parameter ${key ?? `number ${position + 1}`}: ${names.length === 0 ? 'it takes no parameters' : `its parameters are ${names.join(', ')}`}`,
        indicator.id,
      )
    if (given.has(name)) throw invalid(`${indicator.id}: the parameter ${name} is given twice: write it once`, indicator.id)
    given.add(name)
    const value = raw === '' ? Number.NaN : Number(raw)
    if (!(value >= parameter.min && value <= parameter.max) || (parameter.integer && !Number.isInteger(value)))
      throw invalid(
        `${indicator.id}: ${name} "${raw}" is not valid: write ${parameter.integer ? 'a whole number' : 'a number'} from ${parameter.min} to ${parameter.max} (${parameter.meaning})`,
        indicator.id,
      )
    parameters[name] = value
    named = Math.max(named, at + 1)
  }
  const suffix = names.slice(0, named).map((name) => `_${parameters[name]}`)
  return { indicator, parameters, columns: indicator.outputs.map((output) => `${output}${suffix.join('')}`) }
}

/** All inputs that the indicators take, each once. */
export function inputsOf(specs: readonly IndicatorSpec[]): InputName[] {
  return [...new Set(specs.flatMap(({ indicator }) => indicator.inputs))]
}

function invalid(message: string, indicator: string): LakehouseError {
  return new LakehouseError('INDICATOR_INVALID', message, { details: { indicator } })
}
