import { LakehouseError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Indicator, InputName } from './indicator.ts'
import { INDICATORS } from './registry.ts'

/** An indicator with its parameters, and the names of the columns that it gives. */
export type IndicatorSpec = {
  readonly indicator: Indicator
  readonly parameters: Readonly<Record<string, number>>
  readonly columns: readonly string[]
}

/** The indicator of an id. Throws INDICATOR_INVALID. */
export function findIndicator(id: string): Indicator {
  const found = INDICATORS.find((one) => one.id === id.toLowerCase())
  if (found !== undefined) return found
  const near = nearest(
    id.toLowerCase(),
    INDICATORS.map((one) => one.id),
  )
  throw invalid(`there is no indicator "${id}"${near === undefined ? '' : `: did you mean ${near}?`} \`indicators list\` shows all`, id)
}

/**
 * Reads indicators from text: `rsi(14), macd(12, 26, 9), bollinger(width=2.5)`. Parameters are given by place or by name, those that are left out are the usual ones. A column is called as
 * the output, with the parameters up to the last one that was given: rsi_14, macd_signal_12_26_9, bollinger_upper_20_2.5. Throws INDICATOR_INVALID.
 */
export function parseIndicators(text: string): IndicatorSpec[] {
  const specs: IndicatorSpec[] = []
  const call = /\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*(?:,|$)/y
  while (call.lastIndex < text.length) {
    const from = call.lastIndex
    const match = call.exec(text)
    if (match === null) throw invalid(`"${text.slice(from).trim()}" is no indicator: name(parameter, …), name(parameter=value), …`, text)
    specs.push(specOf(findIndicator(match[1] ?? ''), match[2] ?? ''))
  }
  if (specs.length === 0) throw invalid('no indicator is named: rsi(14), macd(12, 26, 9), …', text)
  const columns = specs.flatMap((spec) => spec.columns)
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) throw invalid(`two indicators give the column ${twice}`, text)
  return specs
}

function specOf(indicator: Indicator, text: string): IndicatorSpec {
  const names = Object.keys(indicator.parameters)
  const parameters: Record<string, number> = Object.fromEntries(names.map((name) => [name, indicator.parameters[name]?.default ?? 0]))
  let named = Math.min(1, names.length)
  const given = new Set<string>()
  const parts = text.trim() === '' ? [] : text.split(',')
  for (const [place, part] of parts.entries()) {
    const [, key, raw = ''] = /^\s*(?:([A-Za-z_]\w*)\s*(?:=|:=)\s*)?(\S*?)\s*$/.exec(part) ?? []
    const at = key === undefined ? place : names.indexOf(key)
    const name = names[at]
    const parameter = name === undefined ? undefined : indicator.parameters[name]
    if (name === undefined || parameter === undefined)
      throw invalid(`${indicator.id} has no parameter ${key ?? `number ${place + 1}`}: ${names.join(', ') || 'it has none'}`, indicator.id)
    if (given.has(name)) throw invalid(`${indicator.id}: ${name} is given twice`, indicator.id)
    given.add(name)
    const value = raw === '' ? Number.NaN : Number(raw)
    if (!(value >= parameter.min && value <= parameter.max) || (parameter.integer && !Number.isInteger(value)))
      throw invalid(
        `${indicator.id}: ${name} (${parameter.meaning}) is ${parameter.integer ? 'a whole number' : 'a number'} of ${parameter.min} to ${parameter.max}, not "${raw}"`,
        indicator.id,
      )
    parameters[name] = value
    named = Math.max(named, at + 1)
  }
  const suffix = names.slice(0, named).map((name) => `_${parameters[name]}`)
  return { indicator, parameters, columns: indicator.outputs.map((output) => `${output}${suffix.join('')}`) }
}

/** Every input that some of them take, each once. */
export function inputsOf(specs: readonly IndicatorSpec[]): InputName[] {
  return [...new Set(specs.flatMap(({ indicator }) => indicator.inputs))]
}

function invalid(message: string, indicator: string): LakehouseError {
  return new LakehouseError('INDICATOR_INVALID', message, { details: { indicator } })
}
