import { connect, type Socket } from 'node:net'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import { authorizationHeader, hostAndPort, type ProxyServer } from '../../platform/proxy.ts'

/** The head of a proxy's answer may not be longer. */
const HEAD_BYTES = 16 << 10

/** A connection to a host through a proxy (CONNECT), which carries TLS afterwards. Throws STORE_UNREACHABLE, TRANSFER_STALLED. */
export async function openTunnel(proxy: ProxyServer, host: string, port: number, idleTimeoutMs: number): Promise<Socket> {
  const name = `${proxy.host}:${proxy.port}`
  const target = hostAndPort(host, port)
  return await new Promise((resolve, reject) => {
    let head = ''
    const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true })
    const fail = (code: 'STORE_UNREACHABLE' | 'TRANSFER_STALLED', message: string, cause?: unknown) => {
      socket.destroy()
      reject(new LakehouseError(code, message, { details: { proxy: name }, cause }))
    }
    socket.setTimeout(idleTimeoutMs, () => fail('TRANSFER_STALLED', `no byte from the proxy ${name} within ${idleTimeoutMs} ms`))
    socket.once('error', (error) =>
      fail('STORE_UNREACHABLE', `the proxy ${name} cannot be reached (${systemCode(error) ?? error.message})`, error),
    )
    socket.once('close', () => fail('STORE_UNREACHABLE', `the proxy ${name} closed the connection`))
    socket.once('connect', () => {
      socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorizationHeader(proxy)}\r\n`, 'latin1')
    })
    const read = (data: Buffer) => {
      head += data.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0)
        return void (head.length > HEAD_BYTES && fail('STORE_UNREACHABLE', `the head of an answer of the proxy ${name} does not end`))
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
      // The host speaks only when it is spoken to, so nothing follows the head.
      if (status !== '200' || head.length > end + 4)
        return fail('STORE_UNREACHABLE', `the proxy ${name} answered ${status ?? 'without HTTP'} to a connection to ${target}`)
      socket.removeAllListeners()
      socket.setTimeout(0)
      socket.pause()
      resolve(socket)
    }
    socket.on('data', read)
  })
}
