import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { LakehouseError, systemCode } from '../../core/errors.ts'
import { authorizationHeader, hostAndPort, type ProxyServer } from '../../platform/proxy.ts'
import { type Framing, framingOf, type HttpAnswer, parseHead } from './http-head.ts'
import { openTunnel } from './http-tunnel.ts'

export type Endpoint = {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly ca: string | undefined
  readonly proxy: ProxyServer | undefined
}

/** `head` is the request line and the headers, to the empty line. A body is written after it, and must have the length that the head announces. */
export type HttpRequest = {
  readonly method: string
  readonly head: string
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined
}

/** What a connection reads into, and what it reads long bodies into. */
const READ_BYTES = 32 << 10
const LONG_READ_BYTES = 256 << 10

/** An answer's head may not be longer. */
const HEAD_BYTES = 64 << 10

/** Interim answers (100 Continue and its like) before an answer. */
const INTERIM_MOST = 16

/** A body must come at this rate on average, bytes a second, after it has run for `SLOW_MS`. */
const LEAST_RATE = 1024
const SLOW_MS = 60_000

/** Longest time from the first byte of a head to its end. */
const HEAD_MS = 30_000

/** So much of a body waits for its reader before the connection is told to wait. */
const AHEAD = 4

type Exchange = {
  readonly method: string
  readonly settle: (answer: HttpAnswer) => void
  readonly fail: (error: LakehouseError) => void
}

/**
 * One HTTP/1.1 connection that is used again and again, one exchange at a time. Reads into memory of its own and hands out views of it, which costs a
 * quarter of what Node's own client takes per byte. Errors: STORE_UNREACHABLE, TRANSFER_STALLED, TRANSFER_TRUNCATED, INTERRUPTED.
 */
export class HttpConnection {
  /** How many exchanges it has done. */
  exchanges = 0
  /** Whether any byte of the present answer has arrived. */
  answered = false
  readonly #socket: Socket
  readonly #free: Buffer[] = []
  #buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #exchange: Exchange | undefined
  #head = ''
  #headBegan = 0
  #interim = 0
  #framing: Framing | undefined
  #pieces: { piece: Buffer; memory: Buffer }[] = []
  #wake: (() => void) | undefined
  #bodyEnded = true
  #failure: LakehouseError | undefined
  #keepAlive = true
  #drained: (() => void) | undefined

  /** The begin of a target and the headers that a proxy for plain http needs. */
  readonly #plainProxy: { readonly base: string; readonly headers: string } | undefined

  private constructor(
    endpoint: Endpoint,
    tunnel: Socket | undefined,
    idleTimeoutMs: number,
    onConnect: () => void,
    onFail: (error: LakehouseError) => void,
  ) {
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (length: number, buffer: Uint8Array): boolean => this.#read(buffer as Buffer, length),
    }
    const { host, port, ca, proxy } = endpoint
    const address = endpoint.secure || proxy === undefined ? { host, port } : { host: proxy.host, port: proxy.port }
    const options = { ...address, noDelay: true, onread }
    if (proxy !== undefined && !endpoint.secure)
      this.#plainProxy = { base: `http://${hostAndPort(host, port)}`, headers: authorizationHeader(proxy) }
    const trust = { minVersion: 'TLSv1.2' as const, ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === undefined ? {} : { ca }) }
    if (tunnel !== undefined) {
      this.#socket = connectSecure({ socket: tunnel, ...trust }, onConnect)
      // Node does not read into given memory here, so each piece comes with its own.
      this.#socket.on('data', (piece: Buffer) => {
        this.#buffer = piece
        if (!this.#read(piece, piece.length)) this.#socket.pause()
      })
    } else this.#socket = endpoint.secure ? connectSecure({ ...options, ...trust }, onConnect) : connectPlain(options, onConnect)
    this.#socket.setTimeout(idleTimeoutMs, () => {
      const waiting = this.#exchange !== undefined || !this.#bodyEnded
      this.#fail(new LakehouseError('TRANSFER_STALLED', `no byte from ${host}:${port} within ${idleTimeoutMs} ms`), waiting)
    })
    this.#socket.on('error', (error) => {
      const failure = connectionError(error, `${host}:${port}`)
      onFail(failure)
      this.#fail(failure)
    })
    this.#socket.on('close', () => {
      const failure = new LakehouseError('TRANSFER_TRUNCATED', `${host}:${port} closed the connection`)
      onFail(failure)
      this.#closed(failure)
    })
    this.#socket.on('drain', () => this.#drained?.())
  }

  static async open(endpoint: Endpoint, idleTimeoutMs: number): Promise<HttpConnection> {
    const { secure, proxy, host, port } = endpoint
    const tunnel = secure && proxy !== undefined ? await openTunnel(proxy, host, port, idleTimeoutMs) : undefined
    return await new Promise((resolve, reject) => {
      const connection = new HttpConnection(endpoint, tunnel, idleTimeoutMs, () => resolve(connection), reject)
    })
  }

  get isUsable(): boolean {
    return this.#failure === undefined && this.#keepAlive && this.#bodyEnded && this.#exchange === undefined && !this.#socket.destroyed
  }

  /** Keeps the process alive only while an exchange is under way. */
  ref(active: boolean): void {
    if (active) this.#socket.ref()
    else this.#socket.unref()
  }

  destroy(error?: LakehouseError): void {
    this.#fail(error ?? new LakehouseError('INTERRUPTED', 'interrupted'))
  }

  /** Sends a request; resolves with the head of the answer, whose body then waits in `body`. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    this.exchanges++
    this.answered = false
    this.#head = ''
    this.#headBegan = 0
    this.#interim = 0
    this.#bodyEnded = false
    this.#framing = undefined
    const answer = new Promise<HttpAnswer>((resolve, reject) => {
      this.#exchange = { method: request.method, settle: resolve, fail: reject }
      if (this.#failure !== undefined) this.#fail(this.#failure)
    })
    const { body } = request
    const head = this.#forProxy(request.head)
    if (body === undefined) this.#socket.write(head, 'latin1')
    else if (body instanceof Uint8Array) {
      this.#socket.cork()
      this.#socket.write(head, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
    } else {
      answer.catch(() => {}) // told below, after the writing
      this.#socket.write(head, 'latin1')
      await this.#writeBody(body)
    }
    return await answer
  }

  /** A proxy for plain http takes the whole address, and its own authorization. */
  #forProxy(head: string): string {
    if (this.#plainProxy === undefined) return head
    const { base, headers } = this.#plainProxy
    return head.replace(/^(\S+) (.*\r\n)/, `$1 ${base}$2${headers}`)
  }

  /** Writes while the other side takes it; an answer that comes before the end (an error) ends the writing. */
  async #writeBody(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of body) {
        if (this.#failure !== undefined || this.answered) break
        // The piece's memory belongs to its source again once this loop asks for the next one.
        await new Promise<void>((resolve) => {
          this.#drained = resolve
          this.#socket.write(piece, () => resolve())
        })
      }
    } catch (error) {
      // What was announced can no longer be sent: the other side must not take what it has for the whole.
      this.#fail(error instanceof LakehouseError ? error : new LakehouseError('TRANSFER_TRUNCATED', String(error), { cause: error }))
      throw error
    }
    if (this.answered && this.#exchange !== undefined) this.#keepAlive = false
  }

  /** The body of the answer, whole. Beyond `limit` bytes it is cut where `cuts` says so, else an error. */
  async text(limit: number, cuts = false): Promise<string> {
    let text = ''
    const first = this.#pieces[0]
    if (this.#bodyEnded && this.#pieces.length === 1 && first !== undefined) {
      // Nearly every answer: one small piece that came with its head.
      this.#pieces.length = 0
      text = first.piece.toString('utf8')
      this.#release(first.memory)
      if (this.#failure !== undefined) throw this.#failure
      return text
    }
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of this.body()) {
      size += piece.length
      if (size > limit) {
        if (cuts) break
        this.destroy()
        throw new LakehouseError('STORE_ANSWER_INVALID', `an answer is longer than ${limit} bytes`)
      }
      pieces.push(Buffer.from(piece))
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  /** The body of the answer in pieces. Must be read to its end, or the connection is given up. */
  async *body(): AsyncGenerator<Uint8Array> {
    let complete = false
    // Time in which the reader is busy with a piece does not count.
    let [waitedMs, received] = [0, 0]
    try {
      for (;;) {
        const next = this.#pieces.shift()
        if (next !== undefined) {
          received += next.piece.length
          if (waitedMs > SLOW_MS && received < (waitedMs / 1000) * LEAST_RATE)
            throw new LakehouseError(
              'TRANSFER_STALLED',
              `an answer came with less than ${LEAST_RATE} bytes a second for ${Math.round(waitedMs / 1000)} s`,
            )
          yield next.piece
          this.#release(next.memory)
          if (this.#pieces.length < AHEAD) this.#socket.resume()
          continue
        }
        if (this.#failure !== undefined && !this.#bodyEnded) throw this.#failure
        if (this.#bodyEnded) break
        const began = performance.now()
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
        waitedMs += performance.now() - began
      }
      complete = true
    } finally {
      if (!complete) this.destroy()
    }
  }

  /** Asked for after each read: memory that holds no piece which waits for its reader. */
  #nextBuffer(): Buffer {
    if (this.#pieces.some(({ memory }) => memory === this.#buffer)) {
      const isLong = this.#framing?.kind === 'length' && this.#framing.left > READ_BYTES
      const fits = isLong ? this.#free.findIndex((memory) => memory.length === LONG_READ_BYTES) : this.#free.length - 1
      this.#buffer = this.#free.splice(fits, fits < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(isLong ? LONG_READ_BYTES : READ_BYTES)
    }
    return this.#buffer
  }

  #release(memory: Buffer): void {
    if (memory !== this.#buffer && this.#free.length < AHEAD && !this.#pieces.some((other) => other.memory === memory))
      this.#free.push(memory)
  }

  #read(buffer: Buffer, length: number): boolean {
    let data = buffer.subarray(0, length)
    this.answered = true
    if (this.#exchange !== undefined) {
      const rest = this.#readHead(data)
      if (rest === undefined) return true
      data = rest
    }
    if (data.length > 0 || this.#bodyEnded) this.#readBody(data)
    return this.#pieces.length < AHEAD || this.#bodyEnded
  }

  /** Takes bytes of the head; returns what follows it, or undefined while it is not complete. */
  #readHead(data: Buffer): Buffer | undefined {
    const before = this.#head.length
    this.#head += data.toString('latin1')
    let end = this.#head.indexOf('\r\n\r\n', Math.max(0, before - 3))
    this.#headBegan ||= performance.now()
    while (end >= 0 && this.#head.startsWith('HTTP/1.1 1')) {
      this.#interim++
      this.#head = this.#head.slice(end + 4) // 100 Continue and its like come before the answer
      end = this.#head.indexOf('\r\n\r\n')
    }
    if (end < 0) {
      if (this.#interim > INTERIM_MOST || performance.now() - this.#headBegan > HEAD_MS)
        this.#fail(
          new LakehouseError(
            'STORE_ANSWER_INVALID',
            'an answer does not begin: the server sends interim answers, or its head byte by byte',
          ),
        )
      if (this.#head.length > HEAD_BYTES) this.#fail(new LakehouseError('STORE_ANSWER_INVALID', 'the head of an answer does not end'))
      return undefined
    }
    const rest = data.subarray(data.length - (this.#head.length - end - 4))
    const head = this.#head.slice(0, end)
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#head = ''
    const answer = parseHead(head)
    if (answer === undefined || exchange === undefined) {
      exchange?.fail(new LakehouseError('STORE_ANSWER_INVALID', `an answer does not begin as HTTP does: ${head.slice(0, 60)}`))
      this.destroy()
      return undefined
    }
    const { status, headers } = answer
    if (headers.get('connection')?.toLowerCase() === 'close') this.#keepAlive = false
    this.#framing = framingOf(exchange.method, status, headers)
    if (this.#framing.kind === 'length' && this.#framing.left === 0) this.#endBody()
    if (this.#framing.kind === 'close') this.#keepAlive = false
    exchange.settle(answer)
    return rest
  }

  #readBody(data: Buffer): void {
    const framing = this.#framing
    if (this.#bodyEnded || framing === undefined) {
      if (data.length > 0) this.#keepAlive = false // bytes that belong to no answer
      return
    }
    switch (framing.kind) {
      case 'length':
        this.#push(data.subarray(0, framing.left))
        if (data.length > framing.left) this.#keepAlive = false
        framing.left -= Math.min(framing.left, data.length)
        if (framing.left === 0) this.#endBody()
        break
      case 'chunked': {
        const state = framing.parser.feed(data, (piece) => this.#push(piece))
        if (state === 'invalid') this.#fail(new LakehouseError('STORE_ANSWER_INVALID', 'the chunks of an answer are damaged'))
        else if (state === 'ended') this.#endBody()
        break
      }
      case 'close':
        this.#push(data)
    }
    this.#wake?.()
  }

  #push(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.push({ piece, memory: this.#buffer })
  }

  #endBody(): void {
    this.#bodyEnded = true
    this.#wake?.()
  }

  #closed(failure: LakehouseError): void {
    if (this.#framing?.kind === 'close' && this.#failure === undefined) this.#endBody()
    this.#fail(failure)
  }

  #fail(error: LakehouseError, destroy = true): void {
    this.#failure ??= error
    if (destroy || this.#exchange === undefined) this.#socket.destroy()
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.fail(this.#failure)
    this.#drained?.()
    this.#wake?.()
  }
}

function connectionError(error: Error, address: string): LakehouseError {
  const code = systemCode(error) ?? ''
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new LakehouseError('TRANSFER_TRUNCATED', `the connection to ${address} broke off (${code})`, { cause: error })
  const isCertificate = /CERT|SSL|SELF_SIGNED|TLS|UNABLE_TO/.test(code)
  if (isCertificate) return new LakehouseError('STORE_REFUSED', `${address} cannot be trusted (${code})`, { cause: error })
  return new LakehouseError('STORE_UNREACHABLE', `${address} cannot be reached (${code || error.message})`, { cause: error })
}
