import { doctor as examine } from '../../operations/doctor.ts'
import { type Command, type CommandContext, resultOf, text } from '../command.ts'
import { SELECTION_OPTIONS } from '../selection.ts'

export const doctor: Command = {
  summary: 'Check the environment and say how to fix each problem',
  operations: ['doctor'],
  usage: '[OPTIONS]',
  options: {
    archive: SELECTION_OPTIONS.archive,
    store: {
      type: 'string',
      value: 'PLACE',
      help: 'test what a store supports, with small temporary files',
    },
  },
  run: async (context: CommandContext) => {
    const outcome = await context.call(examine, { archive: text(context.values, 'archive'), store: text(context.values, 'store') })
    if (!context.json) {
      for (const { name, ok, detail, remedy } of outcome.result.items)
        context.out(`${ok ? 'ok     ' : 'MISSING'}  ${name.padEnd(14)} ${detail}${ok ? '' : `\n         to fix it: ${remedy}`}\n`)
    }
    return resultOf(outcome)
  },
}
