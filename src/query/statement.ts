import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { parseInstant } from '../core/time.ts'
import { TRADED_BARS } from '../datasets/registry.ts'
import { parseExactJson } from '../lake/iceberg/metadata.ts'
import type { Predicate } from '../lake/iceberg/scan.ts'
import type { ColumnValue } from '../lake/iceberg/values.ts'
import { LAYERS, type Layer } from '../lake/layout.ts'
import { type DuckDBSession, quote } from '../platform/duckdb/session.ts'
import { exampleTable } from '../sources/series.ts'
import { type FunctionCall, isTableFunction, toCall } from './functions/bind-functions.ts'

/** A table of the lake that a statement names, with the conditions that each of its mentions is under: a row is needed if all of one set hold. */
export type TableReference = { readonly layer: Layer; readonly name: string; readonly mentions: readonly (readonly Predicate[])[] }

/** What a statement reads: its tables, and the names of all columns that it may read of any of them, in lower case; undefined when they are not known. */
export type Analysis = {
  readonly references: readonly TableReference[]
  readonly columns: ReadonlySet<string> | undefined
  /** Calls of functions whose result is made before the statement runs. */
  readonly calls: readonly FunctionCall[]
}

/** Table functions that reach nothing outside of the query. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'repeat_row', 'repeat', 'json_each', 'json_tree', 'summary'])

/** Functions of the engine that wait, keep state, or show settings and paths of this machine. */
const REFUSED_FUNCTIONS = new Set([
  ...['current_setting', 'getvariable', 'getenv', 'nextval', 'currval', 'pg_sleep', 'sleep_ms', 'write_log', 'error'],
  ...[
    'json_execute_serialized_sql',
    'json_serialize_plan',
    'duckdb_settings',
    'duckdb_secrets',
    'which_secret',
    'current_query',
    'query',
    'query_table',
  ],
])

/** Longest statement, characters. */
const TEXT_MOST = 100_000

const node = z.record(z.string(), z.unknown())
type Node = z.infer<typeof node>

const parsed = z.union([
  z.object({ error: z.literal(true), error_type: z.string(), error_message: z.string() }),
  z.object({ error: z.literal(false), statements: z.array(z.object({ node })) }),
])

/**
 * What a statement reads. Throws SQL_INVALID for text that is not SQL, SQL_REFUSED unless it is one SELECT that touches nothing but tables of the lake.
 * Conditions are taken from the WHERE of the SELECT that mentions the table, as far as they compare a column with a constant. A name without a layer is a table's
 * only where `unqualified` says so.
 */
export async function analyse(
  session: DuckDBSession,
  sql: string,
  unqualified: (name: string) => Layer | undefined = () => undefined,
): Promise<Analysis> {
  if (sql.length > TEXT_MOST)
    throw new LakehouseError('SQL_INVALID', `the statement has ${sql.length} characters: write at most ${TEXT_MOST}`)
  if (sql.includes('\0')) throw new LakehouseError('SQL_INVALID', 'the statement holds a NUL character: remove it')
  const [row] = await session.rows(`SELECT json_serialize_sql(${quote(sql)}) AS tree`)
  try {
    return analysisOf(String(row?.['tree']), sql, unqualified)
  } catch (error) {
    if (error instanceof RangeError)
      throw new LakehouseError('SQL_INVALID', 'the statement is nested too deeply: divide it', { cause: error })
    throw error
  }
}

function analysisOf(serialised: string, sql: string, unqualified: (name: string) => Layer | undefined): Analysis {
  const tree = parsed.parse(parseExactJson(serialised))
  if (tree.error) {
    if (tree.error_type === 'parser') throw new LakehouseError('SQL_INVALID', tree.error_message, { details: { sql: sql.slice(0, 200) } })
    throw new LakehouseError('SQL_REFUSED', 'only SELECT statements are accepted', { details: { sql: sql.slice(0, 200) } })
  }
  const [only, ...more] = tree.statements
  if (only === undefined || more.length > 0)
    throw new LakehouseError('SQL_REFUSED', `one statement is expected, not ${tree.statements.length}`, {
      details: { sql: sql.slice(0, 200) },
    })
  const found = new Map<string, { layer: Layer; name: string; mentions: Predicate[][] }>()
  const calls: FunctionCall[] = []
  visit(only.node, found, calls, unqualified, new Set())
  return { references: [...found.values()], columns: namedColumns(only.node), calls }
}

function namedColumns(statement: Node): ReadonlySet<string> | undefined {
  const columns = new Set<string>()
  const tables = new Set<string>()
  return collectColumns(statement, columns, tables) && ![...tables].some((name) => columns.has(name)) ? columns : undefined
}

/** False where columns are read that are not named: by a star, a natural join, a table that is renamed, pivoted or described. A table's name alone is a row of it. */
function collectColumns(value: unknown, columns: Set<string>, tables: Set<string>): boolean {
  if (Array.isArray(value)) return value.every((item) => collectColumns(item, columns, tables))
  const tree = asNode(value)
  if (tree === undefined) return true
  const { type, alias, table_name: name } = tree
  if (type === 'ORDER_MODIFIER' && isOrderByAll(tree['orders'])) return true
  if (['STAR', 'PIVOT', 'SHOW_REF'].includes(String(type)) || tree['ref_type'] === 'NATURAL') return false
  if (Array.isArray(tree['column_name_alias']) && tree['column_name_alias'].length > 0) return false
  for (const text of [tree['column_names'], tree['using_columns']].flat()) if (typeof text === 'string') columns.add(text.toLowerCase())
  if (type === 'COLUMN_REF') return true
  if (type === 'BASE_TABLE') tables.add(String(alias === '' ? name : alias).toLowerCase())
  return Object.values(tree).every((child) => collectColumns(child, columns, tables))
}

/** ORDER BY ALL orders by what is selected, and reads nothing besides. */
function isOrderByAll(orders: unknown): boolean {
  return Array.isArray(orders) && orders.every((order) => asNode(asNode(order)?.['expression'])?.['type'] === 'STAR')
}

type Found = Map<string, { layer: Layer; name: string; mentions: Predicate[][] }>

/** Names of common table expressions that a part of the statement sees, in lower case. */
type Scope = ReadonlySet<string>

function visit(value: unknown, found: Found, calls: FunctionCall[], unqualified: (name: string) => Layer | undefined, outer: Scope): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, found, calls, unqualified, outer)
    return
  }
  const tree = asNode(value)
  if (tree === undefined) return
  if (tree['type'] === 'TABLE_FUNCTION') checkFunction(asNode(tree['function']), calls)
  if (tree['type'] === 'FUNCTION' && REFUSED_FUNCTIONS.has(String(tree['function_name']).toLowerCase()))
    throw new LakehouseError('SQL_REFUSED', `the function ${String(tree['function_name'])} is not available in queries: remove it`)
  if (tree['type'] === 'BASE_TABLE') checkTable(tree, outer, unqualified)
  const scope = visitExpressions(tree, outer, (child, seen) => visit(child, found, calls, unqualified, seen))
  if (tree['type'] === 'SELECT_NODE') mention(tree, found, unqualified, scope)
  for (const [name, child] of Object.entries(tree)) if (name !== 'cte_map') visit(child, found, calls, unqualified, scope)
}

/** Visits the common table expressions of a node, each with those before it in sight, and returns what the rest of the node sees. */
function visitExpressions(tree: Node, outer: Scope, visitChild: (child: unknown, seen: Scope) => void): Scope {
  const scope = new Set(outer)
  // A recursive expression sees itself, any other sees what had its name before.
  if (tree['type'] === 'RECURSIVE_CTE_NODE') scope.add(String(tree['cte_name']).toLowerCase())
  const map = asNode(tree['cte_map'])?.['map']
  for (const entry of Array.isArray(map) ? map : []) {
    const expression = asNode(entry)
    visitChild(expression?.['value'], new Set(scope))
    scope.add(String(expression?.['key']).toLowerCase())
  }
  return scope
}

function checkFunction(call: Node | undefined, calls: FunctionCall[]): void {
  const name = String(call?.['function_name'] ?? '').toLowerCase()
  if (isTableFunction(name)) {
    const given: readonly unknown[] = Array.isArray(call?.['children']) ? call['children'] : []
    calls.push(toCall(name, given.map(namedArgument)))
    return
  }
  if (!TABLE_FUNCTIONS.has(name))
    throw new LakehouseError('SQL_REFUSED', `the table function ${name} is not available`, { details: { function: name } })
}

/** An argument of a table function: `name := value` carries its name as an alias. */
function namedArgument(argument: unknown): { name: string; value: unknown } {
  const tree = asNode(argument)
  return { name: String(tree?.['alias'] ?? ''), value: constant(tree) }
}

/** Schemas that a statement may name: the layers of the lake, and the description of what it can see. */
const SCHEMAS: ReadonlySet<string> = new Set([...LAYERS, 'information_schema'])

/**
 * What a statement may read from is listed here, and everything else is refused: the engine takes any other name for a file if it ends as files do, also where schema and table make up its path.
 * Throws SQL_REFUSED, SQL_INVALID.
 */
function checkTable(table: Node, scope: Scope, unqualified: (name: string) => Layer | undefined): void {
  const name = String(table['table_name'])
  const schema = String(table['schema_name'])
  const full = [table['catalog_name'], schema, name].filter((part) => part !== '').join('.')
  if (table['catalog_name'] !== '' || (schema !== '' && !SCHEMAS.has(schema.toLowerCase())) || (schema === '' && /[./\\]/.test(name)))
    throw new LakehouseError(
      'SQL_REFUSED',
      `"${full}" cannot be read from SQL: name a table of the lake, as in ${exampleTable(TRADED_BARS, '1m')}, or a table function`,
      { details: { table: full } },
    )
  if (schema === '' && !scope.has(name.toLowerCase()) && unqualified(name) === undefined)
    throw new LakehouseError('SQL_INVALID', `there is no table "${name}": name tables by layer, as in ${exampleTable(TRADED_BARS, '1m')}`, {
      details: { table: name },
    })
}

/** Notes the lake tables in a SELECT's FROM. An unqualified column is taken for the table's only when the FROM holds nothing else. */
function mention(select: Node, all: Found, unqualified: (name: string) => Layer | undefined, scope: Scope): void {
  const tables = baseTables(select['from_table'])
  for (const { table, isPrunable } of tables) {
    const name = String(table['table_name'])
    if (table['schema_name'] === '' && scope.has(name.toLowerCase())) continue
    const layer = table['schema_name'] === '' ? unqualified(name) : LAYERS.find((id) => id === String(table['schema_name']).toLowerCase())
    if (layer === undefined) continue
    const alias = String(table['alias'] ?? '') || name
    const conditions = isPrunable ? conjuncts(select['where_clause']) : []
    const found = conditions.flatMap((condition) => toPredicates(condition, alias, tables.length === 1))
    // Beside another table null may mean that there was no row at all.
    const predicates = tables.length === 1 ? found : found.filter(({ op }) => op !== 'is null')
    const key = `${layer}.${name}`
    const known = all.get(key)
    if (known === undefined) all.set(key, { layer, name, mentions: [predicates] })
    else known.mentions.push(predicates)
  }
}

/** `isPrunable` says whether rows for which the WHERE does not hold may be left out before the FROM is evaluated. */
type Mentioned = { readonly table: Node; readonly isPrunable: boolean }

const OTHER: Mentioned = { table: { type: 'OTHER' }, isPrunable: false }

/** The base tables that a FROM mentions itself; subqueries are SELECTs of their own. */
function baseTables(from: unknown): Mentioned[] {
  const tree = asNode(from)
  switch (tree?.['type']) {
    case 'BASE_TABLE': {
      const isRenamed = Array.isArray(tree['column_name_alias']) && tree['column_name_alias'].length > 0
      return [{ table: tree, isPrunable: !isRenamed && tree['sample'] === null }]
    }
    case 'JOIN':
      return joined(tree)
    case 'PIVOT':
      return [...unprunable(baseTables(tree['source'])), OTHER]
    case 'EMPTY':
    case undefined:
      return []
    default:
      return [OTHER]
  }
}

/** Which row an ASOF join finds depends on every row of its right side, a positional one on every row of both. */
function joined(join: Node): Mentioned[] {
  const [left, right] = [baseTables(join['left']), baseTables(join['right'])]
  switch (join['ref_type']) {
    case 'REGULAR':
    case 'CROSS':
    case 'NATURAL':
      return [...left, ...right]
    case 'ASOF':
      return [...left, ...unprunable(right)]
    default:
      return unprunable([...left, ...right])
  }
}

function unprunable(tables: readonly Mentioned[]): Mentioned[] {
  return tables.map(({ table }) => ({ table, isPrunable: false }))
}

function conjuncts(where: unknown): Node[] {
  const tree = asNode(where)
  if (tree === undefined) return []
  if (tree['type'] !== 'CONJUNCTION_AND') return [tree]
  const children: readonly unknown[] = Array.isArray(tree['children']) ? tree['children'] : []
  return children.flatMap(conjuncts)
}

const COMPARISONS: Readonly<Record<string, { op: '=' | '<' | '<=' | '>' | '>='; mirrored: '=' | '<' | '<=' | '>' | '>=' }>> = {
  COMPARE_EQUAL: { op: '=', mirrored: '=' },
  COMPARE_LESSTHAN: { op: '<', mirrored: '>' },
  COMPARE_LESSTHANOREQUALTO: { op: '<=', mirrored: '>=' },
  COMPARE_GREATERTHAN: { op: '>', mirrored: '<' },
  COMPARE_GREATERTHANOREQUALTO: { op: '>=', mirrored: '<=' },
}

function toPredicates(condition: Node, alias: string, alone: boolean): Predicate[] {
  const column = (value: unknown) => columnName(asNode(value), alias, alone)
  const comparison = COMPARISONS[String(condition['type'])]
  if (comparison !== undefined) {
    const left = column(condition['left'])
    const right = column(condition['right'])
    const value = constant(asNode(left === undefined ? condition['left'] : condition['right']))
    if (value === undefined) return []
    if (left !== undefined) return [{ column: left, op: comparison.op, value }]
    return right === undefined ? [] : [{ column: right, op: comparison.mirrored, value }]
  }
  if (condition['type'] === 'COMPARE_BETWEEN') {
    const name = column(condition['input'])
    const lower = constant(asNode(condition['lower']))
    const upper = constant(asNode(condition['upper']))
    if (name === undefined || lower === undefined || upper === undefined) return []
    return [
      { column: name, op: '>=', value: lower },
      { column: name, op: '<=', value: upper },
    ]
  }
  if (condition['type'] === 'COMPARE_IN') return inPredicate(condition, column)
  const [first, second]: readonly unknown[] = Array.isArray(condition['children']) ? condition['children'] : []
  const name = column(first)
  if (name === undefined) return []
  if (condition['type'] === 'OPERATOR_IS_NULL') return [{ column: name, op: 'is null' }]
  if (condition['type'] === 'OPERATOR_IS_NOT_NULL') return [{ column: name, op: 'is not null' }]
  const prefix = prefixOf(String(condition['function_name']), constant(asNode(second)))
  return prefix === undefined ? [] : [{ column: name, op: 'starts with', value: prefix }]
}

/** What a text must begin with to fulfil LIKE 'text%', starts_with or ^@. */
function prefixOf(called: string, value: ColumnValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined
  if (called === 'starts_with' || called === '^@' || called === 'prefix') return value
  const head = called === '~~' ? (/^[^%_]*/.exec(value)?.[0] ?? '') : ''
  return head === '' ? undefined : head
}

function inPredicate(condition: Node, column: (value: unknown) => string | undefined): Predicate[] {
  const [input, ...rest]: readonly unknown[] = Array.isArray(condition['children']) ? condition['children'] : []
  const name = column(input)
  const values = rest.map((value) => constant(asNode(value)))
  if (name === undefined || values.length === 0) return []
  const known = values.filter((value) => value !== undefined)
  return known.length === values.length ? [{ column: name, op: 'in', values: known }] : []
}

function columnName(tree: Node | undefined, alias: string, alone: boolean): string | undefined {
  if (tree?.['type'] !== 'COLUMN_REF' || !Array.isArray(tree['column_names'])) return undefined
  const names = tree['column_names'].map(String)
  const column = names.at(-1)?.toLowerCase()
  if (names.length === 1) return alone ? column : undefined
  return names.at(-2)?.toLowerCase() === alias.toLowerCase() ? column : undefined
}

/** A literal, or a literal cast to a date or an instant. Text stays text: what it means depends on the column. */
function constant(tree: Node | undefined): ColumnValue | undefined {
  if (tree?.['type'] === 'OPERATOR_CAST') {
    const type = String(asNode(tree['cast_type'])?.['id'])
    const value = constant(asNode(tree['child']))
    if (type === 'DATE') return typeof value === 'string' && DAY.test(value) ? value.slice(0, 10) : undefined
    return type === 'TIMESTAMP' || type === 'TIMESTAMP WITH TIME ZONE' ? value : undefined
  }
  if (tree?.['type'] !== 'VALUE_CONSTANT') return undefined
  const literal = asNode(tree['value'])
  if (literal?.['is_null'] === true) return undefined
  const value = literal?.['value']
  const type = String(asNode(literal?.['type'])?.['id'])
  if (type === 'VARCHAR' && typeof value === 'string') return value
  return ['INTEGER', 'BIGINT', 'DOUBLE'].includes(type) && (typeof value === 'number' || typeof value === 'bigint') ? value : undefined
}

const DAY = /^\d{4}-\d{2}-\d{2}/

function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : undefined
}

/**
 * The predicates whose value fits the type of their column: instants become microseconds, and a condition that could not be understood is left out,
 * which reads more and loses nothing.
 */
export function typedPredicates(predicates: readonly Predicate[], typeOf: (column: string) => string | undefined): Predicate[] {
  return predicates.flatMap((predicate): Predicate[] => {
    const type = typeOf(predicate.column)
    const convert = (value: ColumnValue) => convertValue(type, value)
    if (predicate.op === 'is null' || predicate.op === 'is not null') return type === undefined ? [] : [predicate]
    if (predicate.op === 'starts with') return type === 'string' ? [predicate] : []
    if (predicate.op === 'in') {
      const values = predicate.values.map(convert).filter((value) => value !== undefined)
      return values.length === predicate.values.length ? [{ ...predicate, values }] : []
    }
    const value = convert(predicate.value)
    return value === undefined ? [] : [{ ...predicate, value }]
  })
}

/** A value as a column of a type holds it; undefined where it does not fit. */
export function convertValue(type: string | undefined, value: ColumnValue): ColumnValue | undefined {
  if (type === 'timestamptz' || type === 'timestamp')
    return typeof value === 'string' && DAY.test(value)
      ? parseInstant(value.trim().replace(/(:\d{2}(?:\.\d+)?[+-]\d{2})$/, '$1:00'))
      : undefined
  if (type === 'string') return typeof value === 'string' ? value : undefined
  if (type === 'date')
    return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) / 86_400_000 : undefined
  // A fraction compared with whole numbers is left to the engine.
  if (type === 'int' || type === 'long') return typeof value === 'bigint' || Number.isSafeInteger(value) ? value : undefined
  return (type === 'float' || type === 'double') && typeof value === 'number' ? value : undefined
}
