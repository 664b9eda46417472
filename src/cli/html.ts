import { writeFile } from 'node:fs/promises'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { type CommandContext, type OptionSpec, text } from './command.ts'

/** The option that asks for an HTML report. */
export const HTML_OPTION = {
  html: { type: 'string', value: 'FILE', help: 'also write an HTML report: one self-contained file' },
} as const satisfies Record<string, OptionSpec>

/** Writes the HTML report when the option asks for it. Throws OUTPUT_FAILED. */
export async function writeHtml(context: CommandContext, make: (madeAt: string) => string | Promise<string>): Promise<void> {
  const file = text(context.values, 'html')
  if (file === undefined) return
  const page = await make(new Date(context.nowMs()).toISOString())
  await writeFile(file, page).catch((error: unknown) => {
    throw new LakehouseError('OUTPUT_FAILED', `cannot write ${file}: ${asLakehouseError(error).message}; name another file with --html`, {
      details: { output: file },
      cause: error,
    })
  })
}
