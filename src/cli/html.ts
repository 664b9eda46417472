import { writeFile } from 'node:fs/promises'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { type CommandContext, type OptionSpec, text } from './command.ts'

/** The option that asks for a report to look at. */
export const HTML_OPTION = {
  html: { type: 'string', value: 'FILE', help: 'also write a report to look at: one file that needs nothing else' },
} as const satisfies Record<string, OptionSpec>

/** Writes the report where the option asks for one. Throws OUTPUT_FAILED. */
export async function writeHtml(context: CommandContext, make: (madeAt: string) => string | Promise<string>): Promise<void> {
  const file = text(context.values, 'html')
  if (file === undefined) return
  const page = await make(new Date(context.nowMs()).toISOString())
  await writeFile(file, page).catch((error: unknown) => {
    throw new LakehouseError('OUTPUT_FAILED', `${file} cannot be written: ${asLakehouseError(error).message}`, {
      details: { output: file },
      cause: error,
    })
  })
}
