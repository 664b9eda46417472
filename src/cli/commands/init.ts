import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { settings } from '../../config/schema.ts'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'

export const init: Command = { summary: 'Write a commented lakehouse.yaml', usage: '[OPTIONS]', options: {}, run }

async function run(context: CommandContext): Promise<CommandResult> {
  const file = text(context.values, 'config') ?? 'lakehouse.yaml'
  try {
    await writeFile(file, template(), { flag: 'wx' })
  } catch (error) {
    if (systemCode(error) === 'EEXIST')
      throw new LakehouseError('USAGE', `${file} already exists: edit it, or name another file with --config`)
    throw new LakehouseError('OUTPUT_FAILED', `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  if (!context.json) context.out(`wrote ${file}\n`)
  return { status: 'done', body: { file } }
}

/** A file with every setting as a comment and its default: it is valid as written and changes nothing. */
function template(): string {
  const lines = [
    '# Settings of crypto-lakehouse. Flags and LAKEHOUSE_… variables override this file.',
    '# A setting that is commented out has the value shown.',
    '',
  ]
  let section = ''
  for (const { key, fallback, meaning } of settings().filter((setting) => setting.fallback !== undefined)) {
    const [group = '', name] = key.split('.')
    if (name !== undefined && group !== section) {
      lines.push(`# ${group}:`)
      section = group
    }
    const indent = name === undefined ? '' : '  '
    lines.push(
      `# ${indent}# ${meaning}`,
      `# ${indent}${name ?? group}: ${stringify(fallback, { collectionStyle: 'flow' }).trim()}`,
      ...(name === undefined ? [''] : []),
    )
  }
  return `${lines.join('\n')}\n`
}
