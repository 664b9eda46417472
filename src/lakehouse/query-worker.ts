import module from 'node:module'
import { join } from 'node:path'
import type { QueryAnswer, QueryRequest } from './isolated-query.ts'

// The program of a query's own process: takes one request, answers, and ends. Its rows go to standard output, or to the file of the request.

// The cache of the command that asks, which holds this program too.
module.enableCompileCache(import.meta.filename.endsWith('.js') ? join(import.meta.dirname, '..', '.compiled') : undefined)
const [{ asLakehouseError }, { hostOf }] = await Promise.all([import('../core/errors.ts'), import('../platform/host.ts')])

const stop = new AbortController()

// The process that asked has ended: nobody waits for the answer, and the engine may not notice an interruption for long.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (message: QueryRequest | 'stop') => {
  if (message === 'stop') stop.abort(new DOMException('interrupted', 'AbortError'))
  else void answer(message)
})

async function answer(request: QueryRequest): Promise<void> {
  const { config, sql, result, output, ...options } = request
  const { Lakehouse } = await import('./lakehouse.ts')
  const lakehouse = new Lakehouse(config, hostOf({ signal: stop.signal }))
  let answered: QueryAnswer
  try {
    if (result === 'explain') answered = { rows: [], tables: await lakehouse.explain(sql, undefined, options) }
    else if (result === 'rows') answered = { rows: await lakehouse.show(sql, undefined, options), tables: [] }
    else answered = { rows: [], tables: await lakehouse.query(sql, { ...options, format: result, output: output ?? process.stdout }) }
  } catch (error) {
    const { code, message, details } = asLakehouseError(error)
    answered = { error: { code, message, details } }
  }
  process.removeAllListeners('disconnect')
  process.send?.(answered, () => process.disconnect())
}

// Tells that the request may be sent.
process.send?.('ready')
