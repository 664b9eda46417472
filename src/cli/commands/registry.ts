import { LakehouseError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Command } from '../command.ts'
import { catalog } from './catalog.ts'
import { completion } from './completion.ts'
import { config } from './config.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { ingest } from './ingest.ts'
import { init } from './init.ts'
import { query } from './query.ts'
import { status } from './status.ts'
import { sync } from './sync.ts'
import { verify } from './verify.ts'
import { version } from './version.ts'

/** Every command. A new one is a file beside this and a line here. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  demo,
  catalog,
  ingest,
  query,
  sync,
  verify,
  status,
  init,
  config,
  doctor,
  completion,
  version,
}

/** The command of that name. Throws USAGE, naming the nearest. */
export function findCommand(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return command
  const close = nearest(name, Object.keys(COMMANDS))
  throw new LakehouseError(
    'USAGE',
    `unknown command "${name}"${close === undefined ? '' : `, did you mean ${close}?`} (crypto-lakehouse help lists all)`,
    { details: { command: name } },
  )
}
