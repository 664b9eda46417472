import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Lakehouse } from '../../src/lakehouse/lakehouse.ts'
import { icebergRest } from '../../src/serve/iceberg/iceberg-rest.ts'

/** A lake's catalog on a port of this machine, until it is closed. */
export async function startCatalog(
  lakehouse: Lakehouse,
  options: { readOnly?: boolean | undefined; token?: string | undefined; requestMs?: number } = {},
): Promise<{ url: string; close: () => Promise<void> }> {
  const started = Promise.withResolvers<string>()
  const stop = Promise.withResolvers<void>()
  const ended = lakehouse.withCatalog(true, async (catalog) => {
    const server = icebergRest({
      catalog,
      readOnly: options.readOnly === true,
      token: options.token,
      hosts: [],
      requestMs: options.requestMs,
      onRequest: () => {},
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    started.resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await stop.promise
    server.closeAllConnections()
    server.close()
  })
  const close = async () => {
    stop.resolve()
    await ended
  }
  return { url: await Promise.race([started.promise, ended.then(() => '')]), close }
}
