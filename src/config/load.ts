import { existsSync, readFileSync } from 'node:fs'
import { join, parse as parsePath } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { type Config, configSchema, fileKeys, settings } from './schema.ts'

type ConfigSource = 'flag' | 'environment' | 'file' | 'default'

export type LoadedConfig = {
  readonly config: Config
  readonly sources: ReadonlyMap<string, ConfigSource>
  readonly file: string | undefined
  /** The file for the environment that ENV names, if there is one. */
  readonly overlay: string | undefined
}

export type ConfigInputs = {
  /** Values of flags by dotted key; undefined ones are not set. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file that a flag named, or undefined for lakehouse.yaml if it is there. */
  readonly file: string | undefined
}

const DEFAULT_FILE = 'lakehouse.yaml'

/** lakehouse.yaml → lakehouse.production.yaml where ENV is production and the file exists. Shells use ENV too: a value that is not a plain word is not ours. */
function overlayOf(path: string | undefined, environment: ConfigInputs['environment']): string | undefined {
  const name = environment['ENV'] ?? ''
  if (path === undefined || !/^[A-Za-z][\w-]*$/.test(name)) return undefined
  const { dir, name: stem, ext } = parsePath(path)
  const overlay = join(dir, `${stem}.${name}${ext}`)
  return existsSync(overlay) ? overlay : undefined
}

/** Values of `over` over those of `base`, section by section; a list replaces a list. */
function overlaid(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const [below, above] = [section.safeParse(base[key]), section.safeParse(value)]
    merged[key] = below.success && above.success ? overlaid(below.data, above.data) : value
  }
  return merged
}

const section = z.record(z.string(), z.unknown())

/** The effective configuration: flags over environment over the overlay of ENV over file over defaults. Throws CONFIG_INVALID, naming the key and where it stands. */
export function loadConfig({ flags, environment, file }: ConfigInputs): LoadedConfig {
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const overlay = overlayOf(path, environment)
  const base = path === undefined ? {} : readFile(path)
  const merged = overlay === undefined ? base : overlaid(base, readFile(overlay))
  const sources = new Map<string, ConfigSource>()
  const known = settings()
  for (const { key } of known) sources.set(key, valueAt(merged, key) === undefined ? 'default' : 'file')
  checkEnvironment(environment, known)
  for (const { key, environment: name, fallback } of known) {
    const fromFlag = flags[key]
    const fromEnvironment = environment[name]
    const text = fromFlag ?? fromEnvironment
    if (text === undefined) continue
    setAt(merged, key, Array.isArray(fallback) ? text.split(',') : text)
    sources.set(key, fromFlag === undefined ? 'environment' : 'flag')
  }
  return { config: validate(merged, overlay ?? path), sources, file: path, overlay }
}

function readFile(path: string): Record<string, unknown> {
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    throw new LakehouseError('CONFIG_INVALID', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      details: { file: path },
      cause: error,
    })
  }
  const object = z.record(z.string(), z.unknown()).safeParse(content)
  if (!object.success) throw new LakehouseError('CONFIG_INVALID', `${path} is not a mapping of keys to values`, { details: { file: path } })
  return hoistDirectSync(object.data)
}

/** Older files write the keys of s3_direct_sync beside it. */
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
      throw new LakehouseError('CONFIG_INVALID', `archive_collection.${name} stands twice: there and in s3_direct_sync`)
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
  return `unknown key ${key}${close === undefined ? '' : `, did you mean ${close}?`}`
}

/** Names of the environment beside the settings' own. */
const OTHER_NAMES = ['LAKEHOUSE_DATA', 'LAKEHOUSE_CONFIG']

function checkEnvironment(environment: ConfigInputs['environment'], known: readonly { environment: string }[]): void {
  const names = [...known.map((setting) => setting.environment), ...OTHER_NAMES]
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('LAKEHOUSE_') || names.includes(name)) continue
    const close = nearest(name, names)
    throw new LakehouseError(
      'CONFIG_INVALID',
      `unknown environment variable ${name}${close === undefined ? '' : `, did you mean ${close}?`}`,
      { details: { name } },
    )
  }
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
