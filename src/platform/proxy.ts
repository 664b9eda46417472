import { LakehouseError } from '../core/errors.ts'

/** A proxy for connections to other machines. `authorization` is the value of the Proxy-Authorization header. */
export type ProxyServer = { readonly host: string; readonly port: number; readonly authorization: string | undefined }

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|::1)$/i

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that the environment names for a host: HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, unless NO_PROXY names the host, a domain above it, or everything (*).
 * Names in small letters come first. This machine is reached without a proxy. Throws CONFIG_INVALID for a proxy that is not reached over plain http.
 */
export function proxyFor(secure: boolean, host: string, port: number, environment: Environment): ProxyServer | undefined {
  const { https, http, none } = proxyVariables(environment)
  const address = secure ? https : http
  if (address === undefined || LOOPBACK.test(host) || isExempt(host, port, none)) return undefined
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:')
    throw new LakehouseError('CONFIG_INVALID', `cannot use the proxy in ${secure ? 'HTTPS_PROXY' : 'HTTP_PROXY'}: write http://HOST:PORT`, {
      details: { host: url?.hostname ?? '' },
    })
  const user = decodeURIComponent(url.username)
  const authorization = user === '' ? undefined : `Basic ${Buffer.from(`${user}:${decodeURIComponent(url.password)}`).toString('base64')}`
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port), authorization }
}

/** host:port, as addresses and the head of a request have it. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The header that a proxy with a name and a password requires, with its line end; empty without them. */
export function authorizationHeader({ authorization }: ProxyServer): string {
  return authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`
}

/** What the environment says of proxies; undefined or empty where it says nothing. */
function proxyVariables(environment: Environment): { https: string | undefined; http: string | undefined; none: string } {
  const of = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined
  const every = of('ALL_PROXY')
  return { https: withScheme(of('HTTPS_PROXY') ?? every), http: withScheme(of('HTTP_PROXY') ?? every), none: of('NO_PROXY') ?? '' }
}

/** host:port is http://host:port, as other programs read it. */
function withScheme(address: string | undefined): string | undefined {
  return address === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`
}

function isExempt(host: string, port: number, none: string): boolean {
  return none
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, name = '', wanted] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
      const domain = name.replace(/^\*?\./, '')
      return (
        (wanted === undefined || Number(wanted) === port) && (host.toLowerCase() === domain || host.toLowerCase().endsWith(`.${domain}`))
      )
    })
}
