import { settings } from '../../config/schema.ts'
import { LakehouseError } from '../../core/errors.ts'
import { masked } from '../../core/printable.ts'
import { textTable } from '../../query/formats/text-table.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'

export const config: Command = {
  summary: 'Show every setting, its value, and where the value comes from',
  usage: 'show [OPTIONS]',
  options: {},
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  if (context.args[0] !== 'show' || context.args.length > 1) throw new LakehouseError('USAGE', 'config takes one verb: config show')
  const { config: effective, sources, file, overlay } = context.loaded()
  const items = settings().map(({ key, environment, meaning }) => {
    const value = key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], effective)
    return {
      key,
      value: SECRETS.has(key) && value !== '' ? '***' : maskedDeep(value),
      source: sources.get(key) ?? 'default',
      environment,
      meaning,
    }
  })
  if (!context.json) {
    context.out(`configuration file: ${file ?? 'none'}${overlay === undefined ? '' : `, and ${overlay} over it`}\n\n`)
    const rows = items.map(({ key, value, source, environment, meaning }) => [key, shorten(value), source, environment, meaning])
    context.out(`${textTable(['key', 'value', 'from', 'environment', 'meaning'], rows)}\n`)
  }
  return { status: 'done', body: { file: file ?? null, overlay: overlay ?? null, items } }
}

/** Keys of settings whose values are never printed. */
const SECRETS: ReadonlySet<string> = new Set(['catalog.token'])

/** Shortens a long value; --json prints it in full. */
function shorten(value: unknown): unknown {
  const text = Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : value
  return typeof text === 'string' && text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** The value with the secrets of every address in it masked. */
function maskedDeep(value: unknown): unknown {
  return typeof value === 'object'
    ? (JSON.parse(masked(JSON.stringify(value))) as unknown)
    : typeof value === 'string'
      ? masked(value)
      : value
}
