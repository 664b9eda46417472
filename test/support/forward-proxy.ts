import { request as ask, createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { TestContext } from 'node:test'

export type ForwardProxy = {
  readonly url: string
  /** What was asked for: CONNECT host:port, or GET http://host/…, with the Proxy-Authorization header. */
  readonly asked: { readonly what: string; readonly authorization: string | undefined }[]
}

/** A forward proxy that takes every host to this machine. With `status` it refuses tunnels. */
export async function forwardProxy(context: TestContext, { status }: { status?: number } = {}): Promise<ForwardProxy> {
  const asked: ForwardProxy['asked'] = []
  const server = createServer((request, response) => {
    asked.push({ what: `${request.method} ${request.url}`, authorization: request.headers['proxy-authorization'] })
    const url = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const options = { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method: request.method, headers }
    request.pipe(
      ask(options, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      }),
    )
  })
  server.on('connect', (request, socket) => {
    asked.push({ what: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] })
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const upstream = connect({ host: '127.0.0.1', port: Number(request.url?.split(':').at(-1)) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const side of [socket, upstream]) side.on('error', () => side.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
