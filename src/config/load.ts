import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, parse as parsePath } from 'node:path'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { type Config, configSchema, fileKeys, settings } from './schema.ts'

type ConfigSource = 'flag' | 'environment' | 'file' | 'default'

export type LoadedConfig = {
  readonly config: Config
  readonly sources: ReadonlyMap<string, ConfigSource>
  readonly file: string | undefined
  /** The file for the environment that ENV names, if it exists. */
  readonly overlay: string | undefined
}

export type ConfigInputs = {
  /** Values of flags by dotted key; undefined ones are not set. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file that a flag names; undefined means lakehouse.yaml, if it exists. */
  readonly file: string | undefined
}

const DEFAULT_FILE = 'lakehouse.yaml'

const section = z.record(z.string(), z.unknown())

/** lakehouse.yaml → lakehouse.production.yaml, if ENV is production and the file exists. Shells use ENV too: a value that is not a plain word is ignored. */
function overlayOf(path: string | undefined, environment: ConfigInputs['environment']): string | undefined {
  const name = environment['ENV'] ?? ''
  if (path === undefined || !/^[A-Za-z][\w-]*$/.test(name)) return undefined
  const { dir, name: stem, ext } = parsePath(path)
  const overlay = join(dir, `${stem}.${name}${ext}`)
  return existsSync(overlay) ? overlay : undefined
}

/** Merges `over` into `base`, section by section. A list replaces a list. */
function overlaid(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const [below, above] = [section.safeParse(base[key]), section.safeParse(value)]
    merged[key] = below.success && above.success ? overlaid(below.data, above.data) : value
  }
  return merged
}

/** The effective configuration: flags over environment over the overlay of ENV over file over defaults. Throws CONFIG_INVALID, naming the key and its source. */
export function loadConfig({ flags, environment, file }: ConfigInputs): LoadedConfig {
  const own = userFile(environment)
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const overlay = overlayOf(path, environment)
  const files = [own, path, overlay].map((one) => (one === undefined ? undefined : readFile(one)))
  if (file === undefined)
    for (const [index, one] of [own, path, overlay].entries()) if (index > 0 && one !== undefined) refuseUntrusted(one, files[index] ?? {})
  const merged = files.reduce<Record<string, unknown>>((below, above) => overlaid(below, above ?? {}), {})
  const sources = new Map<string, ConfigSource>()
  const known = settings()
  for (const { key } of known) sources.set(key, valueAt(merged, key) === undefined ? 'default' : 'file')
  checkEnvironment(environment, known)
  for (const { key, environment: name, fallback } of known) {
    const fromFlag = flags[key]
    const fromEnvironment = environment[name]
    const text = fromFlag ?? fromEnvironment
    if (text === undefined) continue
    setAt(merged, key, typedText(text, fallback))
    sources.set(key, fromFlag === undefined ? 'environment' : 'flag')
  }
  return { config: validate(merged, overlay ?? path ?? own), sources, file: path ?? own, overlay }
}

/** Bytes of the longest configuration file. */
const FILE_BYTES = 1 << 20

/** Names that would reach the prototype of an object. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function invalid(path: string, why: string, cause?: unknown): LakehouseError {
  return new LakehouseError('CONFIG_INVALID', `${path} ${why}`, { details: { file: path }, cause })
}

/** The keys and values of a file. What is wrong with it is reported by line and column, without its text: it may hold secrets. */
function readFile(path: string): Record<string, unknown> {
  const lines = new LineCounter()
  let document: ReturnType<typeof parseDocument>
  try {
    const info = statSync(path)
    if (!info.isFile()) throw invalid(path, 'is not a regular file')
    if (info.size > FILE_BYTES) throw invalid(path, `has ${info.size} bytes: a configuration has at most ${FILE_BYTES}`)
    document = parseDocument(readFileSync(path, 'utf8'), { prettyErrors: false, lineCounter: lines, uniqueKeys: true })
  } catch (error) {
    if (error instanceof LakehouseError) throw error
    throw invalid(path, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0])
    throw invalid(path, `is not valid YAML at line ${line}, column ${col} (${problem.code})`)
  }
  visit(document, {
    Pair(_, { key }) {
      const name = isScalar(key) ? String(key.value) : ''
      if (FORBIDDEN_KEYS.has(name)) throw invalid(path, `has the key ${name}, which no configuration has: remove it`)
    },
  })
  let content: unknown
  try {
    content = document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    throw invalid(path, 'refers to its anchors too often', error)
  }
  const object = section.safeParse(content)
  if (!object.success) throw invalid(path, 'is not a mapping: write keys and values, one `key: value` a line')
  return hoistDirectSync(object.data)
}

/** Settings that name a program, or where credentials are sent. */
const TRUSTED_ONLY = ['sync.s5cmdPath', 'glue.endpoint']

/** Refuses what the folder that one happens to stand in must not decide. Throws CONFIG_INVALID. */
function refuseUntrusted(path: string, file: Readonly<Record<string, unknown>>): void {
  for (const key of TRUSTED_ONLY)
    if (valueAt(file, key) !== undefined)
      throw invalid(
        path,
        `sets ${key}, which a file of the current folder cannot: set it in ${userFileName}, name the file with --config, or use the environment`,
      )
}

const userFileName = '~/.config/crypto-lakehouse/lakehouse.yaml'

/** The user's own configuration, below every other file, or undefined. */
function userFile(environment: ConfigInputs['environment']): string | undefined {
  const { XDG_CONFIG_HOME: configured = '', HOME: home = '' } = environment
  if (configured === '' && home === '') return undefined
  const path = join(configured === '' ? join(home, '.config') : configured, 'crypto-lakehouse', DEFAULT_FILE)
  return existsSync(path) ? path : undefined
}

/** Keys of s3_direct_sync that older files write directly in archive_collection. */
const DIRECT_KEYS = [
  'enable_s3_direct_sync',
  'operation_mode',
  'destination_bucket',
  'destination_prefix',
  'sync_mode',
  'enable_incremental',
  'organize_by_prefix',
  'performance_optimization',
  's3_config',
]

function hoistDirectSync(file: Record<string, unknown>): Record<string, unknown> {
  const collection = z.record(z.string(), z.unknown()).safeParse(file['archive_collection'])
  if (!collection.success) return file
  const direct = z.record(z.string(), z.unknown()).safeParse(collection.data['s3_direct_sync'] ?? {})
  if (!direct.success) return file
  const moved = Object.entries(collection.data).filter(([name]) => DIRECT_KEYS.includes(name))
  if (moved.length === 0) return file
  for (const [name] of moved)
    if (name in direct.data)
      throw new LakehouseError(
        'CONFIG_INVALID',
        `archive_collection.${name} is set twice, there and in s3_direct_sync: remove one of the two`,
      )
  const rest = Object.entries(collection.data).filter(([name]) => !DIRECT_KEYS.includes(name))
  return { ...file, archive_collection: { ...Object.fromEntries(rest), s3_direct_sync: { ...direct.data, ...Object.fromEntries(moved) } } }
}

function validate(merged: Record<string, unknown>, path: string | undefined): Config {
  const parsed = configSchema.safeParse(merged)
  if (parsed.success) return parsed.data
  const where = path === undefined ? 'the configuration' : path
  const messages = parsed.error.issues.map((issue) => {
    const at = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return `${at}: ${issue.message}`
    return issue.keys.map((name) => unknownKey(at === '' ? name : `${at}.${name}`)).join('; ')
  })
  throw new LakehouseError('CONFIG_INVALID', `${where}: ${messages.join('; ')}`, { details: { file: path ?? null } })
}

function unknownKey(key: string): string {
  const close = nearest(key, fileKeys())
  return `unknown key ${key}${close === undefined ? ': remove it' : `: did you mean ${close}?`}`
}

/** Environment variables that are not settings. */
const OTHER_NAMES = ['LAKEHOUSE_DATA', 'LAKEHOUSE_CONFIG']

function checkEnvironment(environment: ConfigInputs['environment'], known: readonly { environment: string }[]): void {
  const names = [...known.map((setting) => setting.environment), ...OTHER_NAMES]
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('LAKEHOUSE_') || names.includes(name)) continue
    const close = nearest(name, names)
    throw new LakehouseError(
      'CONFIG_INVALID',
      `unknown environment variable ${name}${close === undefined ? ': unset it' : `: did you mean ${close}?`}`,
      { details: { name } },
    )
  }
}

/** The value of JSON text; text that is not JSON stays text, which the schema refuses. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** A text of the environment or of a flag as a value of the setting's type. Text that is not of the type stays text, which the schema refuses. */
function typedText(text: string, fallback: unknown): unknown {
  if (/^[{[]/.test(text)) return jsonOf(text)
  if (Array.isArray(fallback)) return text.split(',')
  if (typeof fallback === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  if (fallback === null && text === 'null') return null
  const isNumber = typeof fallback === 'number' || fallback === null
  return isNumber && /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text
}

function valueAt(tree: Record<string, unknown>, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined), tree)
}

function setAt(tree: Record<string, unknown>, key: string, value: unknown): void {
  const [name = '', ...rest] = key.split('.')
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const child = tree[name]
  const object = typeof child === 'object' && child !== null ? (child as Record<string, unknown>) : {}
  tree[name] = object
  setAt(object, rest.join('.'), value)
}
