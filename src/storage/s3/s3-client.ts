import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { proxyFor } from '../../platform/proxy.ts'
import { RetryBudget, type RetryPolicy, retry } from '../../platform/retry.ts'
import type { S3Address } from './address.ts'
import type { CredentialSource } from './credentials.ts'
import type { Endpoint } from './http-connection.ts'
import { UNSAFE_HEADER } from './http-head.ts'
import { type BodyAnswer, HttpPool, type TextAnswer } from './http-pool.ts'
import { s3Error } from './s3-error.ts'
import { type Credentials, EMPTY_SHA256, encodeKey, encodeQuery, Signer, UNSIGNED_PAYLOAD } from './sigv4.ts'

export type S3ClientOptions = {
  readonly address: S3Address
  /** Undefined for anonymous access. */
  readonly credentials: CredentialSource | undefined
  readonly connections: number
  readonly idleTimeoutMs: number
  readonly retry: RetryPolicy
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly random: () => number
  /** Names proxies. */
  readonly environment: NodeJS.ProcessEnv
  /** Certificates (PEM) that are trusted besides none other. */
  readonly ca?: string | undefined
  readonly onRetry?: ((error: LakehouseError, pauseMs: number) => void) | undefined
}

export type S3Request = {
  readonly operation: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly key?: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | { readonly pieces: AsyncIterable<Uint8Array>; readonly length: number }
  /** Statuses other than 200, 204 and 206 that are answers and no errors. */
  readonly accept?: readonly number[]
}

/** Speaks S3 with one bucket: signs, sends, repeats what may pass, learns region and clock. `requests` counts what was sent, by operation. */
export class S3Client {
  readonly address: S3Address
  readonly requests = new Map<string, number>()
  bytesReceived = 0
  bytesSent = 0
  retries = 0
  readonly #options: S3ClientOptions
  readonly #budget = new RetryBudget({ capacity: 500, earnedPerCall: 0.3 })
  #region: string
  #pool: HttpPool
  #host: string
  #endpoint: Endpoint
  #clockOffsetMs = 0
  #signer:
    | { readonly accessKeyId: string; readonly sessionToken: string | undefined; readonly region: string; readonly signer: Signer }
    | undefined

  constructor(options: S3ClientOptions) {
    this.#options = options
    this.address = options.address
    this.#region = options.address.region
    const { endpoint, host } = endpointOf(options.address, this.#region, options)
    this.#host = host
    this.#endpoint = endpoint
    this.#pool = this.#openPool(endpoint)
  }

  /** Makes a request and reads its answer; `attempt` counts from 1 in `onAnswer`. Throws the errors of `s3Error` and of the connection. */
  async call(request: S3Request): Promise<TextAnswer & { readonly attempt: number }> {
    let attempt = 0
    return await this.#attempts(request, async () => {
      attempt++
      const answer = await this.#pool.exchange(await this.#prepare(request))
      this.bytesReceived += answer.text.length
      this.#check(request, answer, answer.text)
      return { ...answer, attempt }
    })
  }

  /** Makes a request whose answer is an object's bytes; one attempt at the body is the caller's to repeat. */
  async open(request: S3Request): Promise<BodyAnswer> {
    return await this.#attempts(request, async () => {
      const answer = await this.#pool.open(await this.#prepare(request))
      if (isSuccess(request, answer.status)) return answer
      let text = ''
      for await (const piece of answer.body) {
        text += Buffer.from(piece).toString('utf8')
        if (text.length > ERROR_BYTES) break
      }
      this.#check(request, answer, text)
      return answer
    })
  }

  /** Calls that answer with 200 and an error in the body: `parse` finds what was asked for, or undefined. */
  async expect<T>(request: S3Request, parse: (text: string, headers: ReadonlyMap<string, string>) => T | undefined): Promise<T> {
    return await this.#attempts(request, async () => {
      const answer = await this.#pool.exchange(await this.#prepare(request))
      this.bytesReceived += answer.text.length
      this.#check(request, answer, answer.text)
      const found = parse(answer.text, answer.headers)
      if (found !== undefined) return found
      if (answer.text.includes('<Error>'))
        throw s3Error(request.operation, this.#nameOf(request), answer.status, answer.headers, answer.text)
      throw new LakehouseError('STORE_ANSWER_INVALID', `${request.operation} ${this.#nameOf(request)}: the answer is not whole`)
    })
  }

  /** What requests are signed with at present, or undefined for anonymous access: for other programs, never for a log. */
  async credentials(): Promise<Credentials | undefined> {
    return await this.#options.credentials?.get()
  }

  close(): void {
    this.#pool.destroy()
  }

  #nameOf(request: S3Request): string {
    return `s3://${this.address.bucket}/${request.key ?? ''}`
  }

  async #attempts<T>(request: S3Request, send: () => Promise<T>): Promise<T> {
    const { signal, random, onRetry } = this.#options
    const learnt = new Set<string>()
    const one = async (): Promise<T> => {
      for (;;) {
        try {
          return await send()
        } catch (error) {
          if (!this.#learn(asLakehouseError(error), learnt)) throw error
        }
      }
    }
    // A body that was streamed is gone: only its source can repeat it.
    const isReplayable = request.body === undefined || request.body instanceof Uint8Array
    const policy = isReplayable ? this.#options.retry : { ...this.#options.retry, attempts: 1 }
    return await retry(
      policy,
      {
        random,
        budget: this.#budget,
        signal,
        onRetry: (error, pauseMs) => {
          this.retries++
          onRetry?.(error, pauseMs)
        },
      },
      one,
    )
  }

  /** Whether the error taught something (the region, the time, that credentials have expired) under which the request may succeed at once. */
  #learn(error: LakehouseError, learnt: Set<string>): boolean {
    const { s3, region, location } = error.details
    if (error.details['status'] === 307 && typeof location === 'string' && !learnt.has('location')) {
      learnt.add('location')
      if (this.#redirect(location)) return true
    }
    if (error.code === 'STORE_REGION_WRONG' && typeof region === 'string' && region !== this.#region && !learnt.has('region')) {
      learnt.add('region')
      this.#region = region
      if (this.address.endpoint === undefined) {
        const moved = endpointOf(this.address, region, this.#options)
        this.#host = moved.host
        this.#endpoint = moved.endpoint
        this.#pool = this.#openPool(moved.endpoint)
      }
      return true
    }
    if (error.code !== 'CREDENTIALS_INVALID' || this.#options.credentials === undefined || learnt.has(String(s3))) return false
    learnt.add(String(s3))
    if (s3 === 'RequestTimeTooSkewed')
      return typeof error.details['clockMs'] === 'number' ? this.#setClock(error.details['clockMs']) : false
    if (s3 !== 'ExpiredToken' && s3 !== 'InvalidToken' && s3 !== 'TokenRefreshRequired') return false
    this.#options.credentials.forget()
    return true
  }

  /** Follows a redirect to another host, if the host belongs to the same service and is as safe. */
  #redirect(location: string): boolean {
    const url = URL.canParse(location) ? new URL(location) : undefined
    const secure = url?.protocol === 'https:'
    const [host = ''] = this.#host.split(':')
    if (
      url === undefined ||
      (!secure && url.protocol !== 'http:') ||
      (this.#endpoint.secure && !secure) ||
      !isSameService(host, url.hostname)
    )
      return false
    const moved = connectionTo(secure, url.hostname, url.port, this.#options)
    this.#host = moved.host
    this.#endpoint = moved.endpoint
    this.#pool = this.#openPool(moved.endpoint)
    return true
  }

  #setClock(theirsMs: number): boolean {
    this.#clockOffsetMs = theirsMs - this.#options.nowMs()
    return true
  }

  async #prepare(request: S3Request) {
    const { operation, method, key = '', headers = {}, body } = request
    this.requests.set(operation, (this.requests.get(operation) ?? 0) + 1)
    const { bucket, pathStyle, endpoint } = this.address
    const base = endpoint === undefined ? '' : new URL(endpoint).pathname.replace(/\/$/, '')
    const path = base + (pathStyle ? `/${bucket}${key === '' ? '' : `/${encodeKey(key)}`}` : `/${encodeKey(key)}`)
    const query = request.query === undefined ? '' : encodeQuery(request.query)
    for (const [name, value] of Object.entries(headers))
      if (UNSAFE_HEADER.test(value))
        throw new LakehouseError(
          'STORE_ANSWER_INVALID',
          `${operation} ${this.#nameOf(request)}: the header ${name} holds a control character`,
        )
    const length = body?.length ?? 0
    this.bytesSent += length
    const plain = await this.#headerLines(method, path, query, headers, body === undefined)
    const lengthLine = method === 'PUT' || method === 'POST' ? `content-length: ${length}\r\n` : ''
    const head = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\n${plain}${lengthLine}accept-encoding: identity\r\nuser-agent: crypto-lakehouse\r\n\r\n`
    return { method, head, body: body instanceof Uint8Array || body === undefined ? body : body.pieces }
  }

  async #headerLines(
    method: string,
    path: string,
    query: string,
    headers: Readonly<Record<string, string>>,
    isEmpty: boolean,
  ): Promise<string> {
    const host = this.#host
    const { credentials, nowMs } = this.#options
    if (credentials === undefined)
      return `host: ${host}\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}`
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials.get()
    let known = this.#signer
    if (known === undefined || known.accessKeyId !== accessKeyId || known.sessionToken !== sessionToken || known.region !== this.#region) {
      const signer = new Signer({ accessKeyId, secretAccessKey, sessionToken }, this.#region)
      known = { accessKeyId, sessionToken, region: this.#region, signer }
      this.#signer = known
    }
    const payloadSha256 = headers['x-amz-content-sha256'] ?? (isEmpty ? EMPTY_SHA256 : UNSIGNED_PAYLOAD)
    return known.signer.sign({ method, path, query, host, headers, payloadSha256 }, nowMs() + this.#clockOffsetMs)
  }

  #check(request: S3Request, answer: { status: number; headers: ReadonlyMap<string, string> }, text: string): void {
    if (isSuccess(request, answer.status)) return
    const error = s3Error(request.operation, this.#nameOf(request), answer.status, answer.headers, text)
    if (error.details['s3'] !== 'RequestTimeTooSkewed') throw error
    const clockMs = Date.parse(answer.headers.get('date') ?? '')
    throw new LakehouseError(error.code, error.message, { details: { ...error.details, ...(Number.isNaN(clockMs) ? {} : { clockMs }) } })
  }

  #openPool(endpoint: Endpoint): HttpPool {
    const { connections, idleTimeoutMs, signal } = this.#options
    return new HttpPool({ endpoint, connections, idleTimeoutMs, signal })
  }
}

/** What is read of an error's body. */
const ERROR_BYTES = 64 << 10

function isSuccess(request: S3Request, status: number): boolean {
  return status === 200 || status === 204 || status === 206 || request.accept?.includes(status) === true
}

function endpointOf(
  { bucket, endpoint, pathStyle }: S3Address,
  region: string,
  { ca, environment }: Pick<S3ClientOptions, 'ca' | 'environment'>,
): { endpoint: Endpoint; host: string } {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
  const secure = url.protocol === 'https:'
  const name = pathStyle ? url.hostname : `${bucket}.${url.hostname}`
  return connectionTo(secure, name, url.port, { ca, environment })
}

/** Whether two hosts have the same name, or names below the same domain; an address of a machine is equal only to itself. */
function isSameService(one: string, other: string): boolean {
  const domain = (host: string) => host.split('.').slice(-2).join('.')
  return one === other || (/[a-z]$/i.test(one) && one.includes('.') && domain(one) === domain(other))
}

/** `name` is as in a URL: IPv6 addresses in brackets. */
function connectionTo(
  secure: boolean,
  name: string,
  portText: string,
  { ca, environment }: Pick<S3ClientOptions, 'ca' | 'environment'>,
): { endpoint: Endpoint; host: string } {
  const host = name.replace(/^\[|\]$/g, '')
  const port = portText === '' ? (secure ? 443 : 80) : Number(portText)
  const proxy = proxyFor(secure, host, port, environment)
  return { endpoint: { secure, host, port, ca, proxy }, host: portText === '' ? name : `${name}:${portText}` }
}
