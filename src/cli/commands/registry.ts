import { LakehouseError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Command } from '../command.ts'

/** Every command. To add one, add a file to this folder and a line here. A command is loaded when it runs, so that it does not load what only others need. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.ts')).demo,
  catalog: async () => (await import('./catalog.ts')).catalog,
  ingest: async () => (await import('./ingest.ts')).ingest,
  query: async () => (await import('./query.ts')).query,
  tables: async () => (await import('./tables.ts')).tables,
  changes: async () => (await import('./changes.ts')).changes,
  'catalog-server': async () => (await import('./catalog-server.ts')).catalogServer,
  backup: async () => (await import('./backup.ts')).backup,
  lake: async () => (await import('./lake.ts')).lake,
  tiers: async () => (await import('./tiers.ts')).tiers,
  restore: async () => (await import('./restore.ts')).restore,
  sync: async () => (await import('./sync.ts')).sync,
  verify: async () => (await import('./verify.ts')).verify,
  quality: async () => (await import('./quality.ts')).quality,
  findings: async () => (await import('./findings.ts')).findings,
  reconcile: async () => (await import('./reconcile.ts')).reconcile,
  revisions: async () => (await import('./revisions.ts')).revisions,
  universe: async () => (await import('./universe.ts')).universe,
  quarantine: async () => (await import('./quarantine.ts')).quarantine,
  'explain-row': async () => (await import('./explain-row.ts')).explainRow,
  resample: async () => (await import('./resample.ts')).resample,
  segments: async () => (await import('./segments.ts')).segments,
  export: async () => (await import('./export.ts')).exportBars,
  report: async () => (await import('./report.ts')).report,
  indicators: async () => (await import('./indicators.ts')).indicators,
  gaps: async () => (await import('./gaps.ts')).gaps,
  status: async () => (await import('./status.ts')).status,
  init: async () => (await import('./init.ts')).init,
  config: async () => (await import('./config.ts')).config,
  doctor: async () => (await import('./doctor.ts')).doctor,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./version.ts')).version,
}

/** All commands by name, in the order in which help lists them. */
export async function allCommands(): Promise<Readonly<Record<string, Command>>> {
  return Object.fromEntries(await Promise.all(Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const)))
}

/** The command of that name. Throws USAGE and names the nearest command. */
export async function findCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load !== undefined) return await load()
  const close = nearest(name, Object.keys(COMMANDS))
  throw new LakehouseError(
    'USAGE',
    `unknown command "${name}"${close === undefined ? '' : `, did you mean ${close}?`} (run crypto-lakehouse help to list all commands)`,
    { details: { command: name } },
  )
}
