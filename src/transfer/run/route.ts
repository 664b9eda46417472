import type { EngineId } from '../engines/engine.ts'
import { TRANSFER_ENGINES } from '../engines/registry.ts'
import type { Pair } from '../pair.ts'

export const OPERATION_MODES = ['auto', 'direct_sync', 'traditional'] as const

export type OperationMode = (typeof OPERATION_MODES)[number]

/** A condition for the choice of engines, and whether it is met. */
type Condition = { readonly name: string; readonly met: boolean; readonly detail: string }

/** The engines that can serve a pair, in the order in which an object tries them, and the reasons against the others. */
export type Route = {
  readonly mode: OperationMode
  readonly engines: readonly EngineId[]
  readonly unfit: readonly { readonly engine: EngineId; readonly reason: string }[]
  readonly conditions: readonly Condition[]
}

export type RouteOptions = {
  readonly mode: OperationMode
  /** The engine to try first. */
  readonly engine: EngineId | undefined
  /** If false, `auto` uses only the traditional way. */
  readonly preferDirectSync: boolean
  /** Engines that the store refused in a test or an earlier run, with the reason. */
  readonly refused: ReadonlyMap<EngineId, string>
}

/** Engines that copy objects without the disk of this machine. */
const DIRECT: ReadonlySet<EngineId> = new Set(['server-copy', 's5cmd', 'relay'])

/** Chooses the engines for a pair: those that the mode allows and that can serve the pair. Always evaluates every condition. */
export async function chooseRoute(pair: Pair, options: RouteOptions): Promise<Route> {
  const unfit: { engine: EngineId; reason: string }[] = []
  const engines: EngineId[] = []
  for (const id of candidates(options)) {
    const reason = options.refused.get(id) ?? (await TRANSFER_ENGINES[id].unfit(pair))
    if (reason === undefined) engines.push(id)
    else unfit.push({ engine: id, reason })
  }
  const reasonAgainst = (engine: EngineId) => unfit.find((one) => one.engine === engine)?.reason
  const direct = engines.find((id) => DIRECT.has(id))
  const conditions: Condition[] = [
    { name: 'mode', met: options.mode !== 'traditional', detail: `operation_mode is ${options.mode}` },
    { name: 'sources_are_s3', met: pair.source.s3 !== undefined, detail: pair.source.address },
    { name: 'destination_configured', met: pair.destination.s3 !== undefined, detail: pair.destination.address },
    {
      name: 's5cmd_available',
      met: options.engine !== 's5cmd' || engines.includes('s5cmd'),
      detail: options.engine === 's5cmd' ? (reasonAgainst('s5cmd') ?? pair.s5cmdPath) : 'not requested',
    },
    { name: 'engine_available', met: direct !== undefined, detail: direct ?? 'no direct engine can serve this pair' },
  ]
  return { mode: options.mode, engines, unfit, conditions }
}

function candidates({ mode, engine, preferDirectSync }: RouteOptions): EngineId[] {
  if (mode === 'traditional' || (mode === 'auto' && !preferDirectSync && engine === undefined)) return ['traditional']
  const usual = (['server-copy', 'relay', 'traditional'] as const).filter((id) => mode === 'auto' || DIRECT.has(id))
  return engine === undefined ? usual : [engine, ...usual.filter((id) => id !== engine)]
}
