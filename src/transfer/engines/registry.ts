import type { EngineId, TransferEngine } from './engine.ts'
import { relay } from './relay.ts'
import { s5cmd } from './s5cmd.ts'
import { serverCopy } from './server-copy.ts'
import { traditional } from './traditional.ts'

/** Every engine, the best way first. */
export const TRANSFER_ENGINES = { 'server-copy': serverCopy, s5cmd, relay, traditional } as const satisfies Record<EngineId, TransferEngine>
