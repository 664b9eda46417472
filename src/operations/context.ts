import { Writable } from 'node:stream'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { OperationContext } from './contract.ts'

type Told = Partial<Pick<OperationContext, 'drain' | 'output' | 'notice' | 'onIngest' | 'onTransfer'>>

/** A context for operations over a configuration. What is told, and rows that are written, go nowhere unless `told` takes them. */
export function operationContext(loaded: () => LoadedConfig, host: Partial<Host> = {}, told: Told = {}): OperationContext {
  const { nowMs, signal } = hostOf(host)
  return {
    loaded,
    lakehouse: async (change: (config: Config) => Config = (config) => config) => {
      const { Lakehouse } = await import('../lakehouse/lakehouse.ts')
      return new Lakehouse(change(loaded().config), host)
    },
    transfers: async (change: (config: Config) => Config = (config) => config) => {
      const { Transfers } = await import('../lakehouse/transfers.ts')
      return new Transfers(change(loaded().config), host)
    },
    nowMs,
    signal,
    drain: new AbortController().signal,
    output: new Writable({ write: (_chunk, _encoding, done) => done() }),
    notice: () => {},
    onIngest: () => {},
    onTransfer: () => {},
    ...told,
  }
}
