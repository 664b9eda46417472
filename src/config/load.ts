import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import * as z from 'zod'
import { LakehouseError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { type Config, configSchema, settings } from './schema.ts'

type ConfigSource = 'flag' | 'environment' | 'file' | 'default'

export type LoadedConfig = {
  readonly config: Config
  readonly sources: ReadonlyMap<string, ConfigSource>
  readonly file: string | undefined
}

export type ConfigInputs = {
  /** Values of flags by dotted key; undefined ones are not set. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file that a flag named, or undefined for lakehouse.yaml if it is there. */
  readonly file: string | undefined
}

const DEFAULT_FILE = 'lakehouse.yaml'

/** The effective configuration: flags over environment over file over defaults. Throws CONFIG_INVALID, naming the key and where it stands. */
export function loadConfig({ flags, environment, file }: ConfigInputs): LoadedConfig {
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const merged: Record<string, unknown> = path === undefined ? {} : readFile(path)
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
  return { config: validate(merged, path), sources, file: path }
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
  return object.data
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
  const close = nearest(
    key,
    settings().map((setting) => setting.key),
  )
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
