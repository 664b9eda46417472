import type { Writable } from 'node:stream'
import { loadConfig } from '../../src/config/load.ts'
import { operationContext } from '../../src/operations/context.ts'
import type { OperationContext } from '../../src/operations/contract.ts'

/** What an operation works with, over a lake in a folder; `output` takes the rows that it writes. */
export function outsideOf(
  lake: string,
  { flags = {}, output }: { flags?: Record<string, string>; output?: Writable } = {},
): OperationContext {
  return operationContext(() => loadConfig({ flags: { lake, ...flags }, environment: {}, file: undefined }), {}, output && { output })
}
