import { LakehouseError } from '../../core/errors.ts'
import { quote, quoteName } from '../../platform/duckdb/session.ts'
import { TABLE_FUNCTIONS } from './registry.ts'
import type { FunctionContext, TableFunction } from './table-function.ts'

/** One call of a table function. */
export type FunctionCall = { readonly name: string; readonly given: Readonly<Record<string, string>> }

export function isTableFunction(name: string): boolean {
  return TABLE_FUNCTIONS.some((one) => one.name === name)
}

/** A call of a table function. A statement gives its arguments by position or by name. Throws SQL_INVALID for an unknown argument, a missing one, or one that is not a constant text. */
export function toCall(name: string, values: readonly { readonly name: string; readonly value: unknown }[]): FunctionCall {
  const { parameters = {}, example } = find(name) ?? {}
  const names = Object.keys(parameters)
  const given: Record<string, string> = {}
  for (const [place, { name: key, value }] of values.entries()) {
    const parameter = key === '' ? names[place] : key
    if (parameter === undefined || !names.includes(parameter) || typeof value !== 'string') throw invalid(name, example)
    given[parameter] = value
  }
  for (const [parameter, usual] of Object.entries(parameters)) {
    if (given[parameter] === undefined && usual === undefined) throw invalid(name, example)
    given[parameter] ??= usual ?? ''
  }
  return { name, given }
}

function find(name: string): TableFunction | undefined {
  return TABLE_FUNCTIONS.find((one) => one.name === name)
}

function invalid(name: string, example: string | undefined): LakehouseError {
  return new LakehouseError('SQL_INVALID', `${name} takes constant texts: ${example ?? ''}`, { details: { function: name } })
}

/** Makes what the calls give, and the functions that hand it out. Throws TABLE_NOT_FOUND, INDICATOR_INVALID, USAGE for arguments that are none. */
export async function bindFunctions(context: FunctionContext, calls: readonly FunctionCall[]): Promise<void> {
  const made = new Set<string>()
  for (const { name, given } of calls) {
    const key = Object.keys(find(name)?.parameters ?? {}).map((parameter) => quote(given[parameter] ?? ''))
    const [row] = await context.session.rows(`SELECT ${tableOf(name, key)} AS name`)
    const target = String(row?.['name'])
    if (made.has(target)) continue
    made.add(target)
    const rows = await find(name)?.make(context, given)
    const kind = typeof rows === 'string' ? 'TABLE' : 'VIEW'
    await context.session.run(
      `CREATE OR REPLACE TEMP ${kind} ${quoteName(target)} AS FROM (${typeof rows === 'string' ? rows : `FROM ${rows}`})`,
    )
  }
  for (const name of new Set(calls.map((call) => call.name))) {
    const parameters = Object.entries(find(name)?.parameters ?? {})
    const declared = parameters.map(([parameter, usual]) =>
      usual === undefined ? quoteName(parameter) : `${quoteName(parameter)} := ${quote(usual)}`,
    )
    const key = parameters.map(([parameter]) => quoteName(parameter))
    await context.session.run(
      `CREATE OR REPLACE TEMP MACRO ${name}(${declared.join(', ')}) AS TABLE SELECT * FROM query_table(${tableOf(name, key)})`,
    )
  }
}

/** SQL of the name of the table that holds what a call gives. */
function tableOf(name: string, key: readonly string[]): string {
  return `${quote(`${name} `)} || md5(${key.join(' || chr(0) || ')})`
}
