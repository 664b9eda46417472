import { doctor as examine } from '../../operations/doctor.ts'
import { type Command, type CommandContext, resultOf, text } from '../command.ts'
import { SELECTION_OPTIONS } from '../selection.ts'

export const doctor: Command = {
  summary: 'Check the environment and say what mends it',
  operations: ['doctor'],
  usage: '[OPTIONS]',
  options: {
    archive: SELECTION_OPTIONS.archive,
    store: {
      type: 'string',
      value: 'PLACE',
      help: 'try what transfers and tables need of a store, with tiny objects that are removed again',
    },
  },
  run: async (context: CommandContext) => {
    const outcome = await context.call(examine, { archive: text(context.values, 'archive'), store: text(context.values, 'store') })
    if (!context.json) {
      for (const { name, ok, detail, remedy } of outcome.result.items)
        context.out(`${ok ? 'ok     ' : 'MISSING'}  ${name.padEnd(14)} ${detail}${ok ? '' : `\n         mend it: ${remedy}`}\n`)
    }
    return resultOf(outcome)
  },
}
