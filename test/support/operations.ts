import { PassThrough, type Writable } from 'node:stream'
import { loadConfig } from '../../src/config/load.ts'
import { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { Transfers } from '../../src/lakehouse/transfers.ts'
import type { OperationContext } from '../../src/operations/contract.ts'

/** What an operation works with, over a lake in a folder; `output` takes the rows that it writes. */
export function operationContext(
  lake: string,
  { flags = {}, output = new PassThrough() }: { flags?: Record<string, string>; output?: Writable } = {},
): OperationContext {
  const loaded = () => loadConfig({ flags: { lake, ...flags }, environment: {}, file: undefined })
  return {
    loaded,
    lakehouse: async (change = (config) => config) => new Lakehouse(change(loaded().config)),
    transfers: async (change = (config) => config) => new Transfers(change(loaded().config)),
    nowMs: Date.now,
    signal: new AbortController().signal,
    drain: new AbortController().signal,
    output,
    notice: () => {},
    onIngest: () => {},
    onTransfer: () => {},
  }
}
