import { settings } from '../../config/schema.ts'
import { LakehouseError } from '../../core/errors.ts'
import { textTable } from '../../query/formats/text-table.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'

export const config: Command = {
  summary: 'Show the effective configuration and where each value comes from',
  usage: 'show [OPTIONS]',
  options: {},
  run,
}

async function run(context: CommandContext): Promise<CommandResult> {
  if (context.args[0] !== 'show' || context.args.length > 1) throw new LakehouseError('USAGE', 'config knows one verb: config show')
  const { config: effective, sources, file, overlay } = context.loaded()
  const items = settings().map(({ key, environment, meaning }) => {
    const value = key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], effective)
    return {
      key,
      value: SECRETS.has(key) && value !== '' ? '***' : masked(value),
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

/** Keys whose values are never shown. */
const SECRETS: ReadonlySet<string> = new Set(['catalog.token'])

/** Long values are shown in full by --json. */
function shorten(value: unknown): unknown {
  const text = Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : value
  return typeof text === 'string' && text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Credentials within an address are not for eyes. */
function masked(value: unknown): unknown {
  return typeof value === 'string'
    ? value.replace(/\/\/[^/@\s]+@/, '//***@').replace(/((?:secret|token|password|key)[^=]*=)[^&]+/gi, '$1***')
    : value
}
