import { Writable } from 'node:stream'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { type Host, hostOf } from '../platform/host.ts'
import type { OperationContext } from './contract.ts'

type Receivers = Partial<Pick<OperationContext, 'drain' | 'output' | 'notice' | 'onIngest' | 'onTransfer'>>

/** Makes a context for operations over a configuration. Reports and written rows are discarded unless `receivers` takes them. */
export function operationContext(loaded: () => LoadedConfig, host: Partial<Host> = {}, receivers: Receivers = {}): OperationContext {
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
    ...receivers,
  }
}
