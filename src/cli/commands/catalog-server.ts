import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { LakehouseError } from '../../core/errors.ts'
import { icebergRest } from '../../serve/iceberg/iceberg-rest.ts'
import { type Command, type CommandContext, type CommandResult, text } from '../command.ts'
import { count } from '../numbers.ts'

export const catalogServer: Command = {
  summary: 'Serve an Iceberg REST catalog for Spark, Trino, pyiceberg …',
  usage: '[OPTIONS]',
  options: {
    port: { type: 'string', value: 'N', help: 'port to listen on (default: 8181; 0: any free port)' },
    host: { type: 'string', value: 'ADDRESS', help: 'address to listen on (default: 127.0.0.1)' },
    'read-only': { type: 'boolean', help: 'refuse every write' },
  },
  examples: [
    'crypto-lakehouse catalog-server',
    'LAKEHOUSE_CATALOG_TOKEN=secret crypto-lakehouse catalog-server --host 0.0.0.0 --read-only',
  ],
  run,
}

const LOCAL: readonly string[] = ['127.0.0.1', '::1', 'localhost']

async function run(context: CommandContext): Promise<CommandResult> {
  const { values } = context
  if (context.args.length > 0)
    throw new LakehouseError('USAGE', 'catalog-server takes no arguments: see crypto-lakehouse help catalog-server')
  const host = text(values, 'host') ?? '127.0.0.1'
  const port = count(values, 'port', 0) ?? 8181
  const { config } = context.loaded()
  const token = config.catalog.token === '' ? undefined : config.catalog.token
  const readOnly = values['read-only'] === true
  if (token === undefined && !LOCAL.includes(host) && !readOnly)
    throw new LakehouseError(
      'USAGE',
      `anybody who reaches ${host} could write to the lake: set LAKEHOUSE_CATALOG_TOKEN, or add --read-only`,
    )
  const lakehouse = await context.open()
  return await lakehouse.withCatalog(
    !readOnly,
    async (catalog) => {
      const server = icebergRest({
        catalog,
        readOnly,
        token,
        hosts: [...config.catalog.hosts, host],
        onRequest: (line) => (context.verbose ? context.note(`${line}\n`) : undefined),
      })
      server.listen(port, host)
      await Promise.race([once(server, 'listening'), once(server, 'error').then(([error]) => Promise.reject(error as Error))])
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
      const print = context.json ? context.note : context.out
      print(`Iceberg REST catalog at ${url}${readOnly ? ' (read only)' : ''}; press Ctrl-C to stop it\n`)
      await new Promise<void>((resolve) => {
        for (const signal of [context.signal, context.drain]) {
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve())
        }
      })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      return { status: 'done', body: { url } }
    },
    (notice) => context.note(`${notice}\n`),
  )
}
