import { LakehouseError } from '../../core/errors.ts'
import { type Endpoint, HttpConnection, type HttpRequest } from './http-connection.ts'
import type { HttpAnswer } from './http-head.ts'

/** What a store answers to anything but a read of an object is short. */
const TEXT_LIMIT = 16 << 20

/** What is read of an error's body. */
const ERROR_LIMIT = 64 << 10

export type PoolOptions = {
  readonly endpoint: Endpoint
  readonly connections: number
  /** Longest time without a byte. */
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal
}

export type TextAnswer = HttpAnswer & { readonly text: string }
export type BodyAnswer = HttpAnswer & { readonly body: AsyncGenerator<Uint8Array> }

/** Connections to one endpoint, used again as long as they last; who finds all of them busy waits. An abort breaks them all off. */
export class HttpPool {
  readonly #options: PoolOptions
  readonly #idle: HttpConnection[] = []
  readonly #all = new Set<HttpConnection>()
  readonly #waiting: { resolve: (connection: HttpConnection | undefined) => void }[] = []
  readonly #abort = () => this.destroy(new LakehouseError('INTERRUPTED', 'interrupted'))
  #opening = 0

  constructor(options: PoolOptions) {
    this.#options = options
    options.signal.addEventListener('abort', this.#abort, { once: true })
  }

  /** The answer with its whole body as text. */
  async exchange(request: HttpRequest): Promise<TextAnswer> {
    const { connection, answer } = await this.#send(request)
    try {
      const isError = answer.status >= 300
      const text = await connection.text(isError ? ERROR_LIMIT : TEXT_LIMIT, isError)
      return { status: answer.status, headers: answer.headers, text }
    } finally {
      this.#release(connection)
    }
  }

  /** The answer with its body in pieces; the connection is given back when the body has been read, or given up. */
  async open(request: HttpRequest): Promise<BodyAnswer> {
    const { connection, answer } = await this.#send(request)
    const release = () => this.#release(connection)
    async function* body() {
      try {
        yield* connection.body()
      } finally {
        release()
      }
    }
    return { ...answer, body: body() }
  }

  destroy(error?: LakehouseError): void {
    this.#options.signal.removeEventListener('abort', this.#abort)
    for (const connection of this.#all) connection.destroy(error)
    this.#all.clear()
    this.#idle.length = 0
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
  }

  async #send(request: HttpRequest): Promise<{ connection: HttpConnection; answer: HttpAnswer }> {
    for (;;) {
      const connection = await this.#acquire()
      connection.ref(true)
      const isReused = connection.exchanges > 0
      try {
        return { connection, answer: await connection.send(request) }
      } catch (error) {
        this.#release(connection)
        // The server had closed the connection while it lay idle: nothing has happened to the request.
        const isStale = isReused && !connection.answered && error instanceof LakehouseError && error.code === 'TRANSFER_TRUNCATED'
        const canRepeat = request.body === undefined || request.body instanceof Uint8Array
        if (!isStale || !canRepeat || !SAFE.has(request.method)) throw error
      }
    }
  }

  async #acquire(): Promise<HttpConnection> {
    for (;;) {
      this.#options.signal.throwIfAborted()
      for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
        if (connection.isUsable) return connection
        this.#all.delete(connection)
      }
      if (this.#all.size + this.#opening < this.#options.connections) return await this.#open()
      const given = await new Promise<HttpConnection | undefined>((resolve) => this.#waiting.push({ resolve }))
      if (given !== undefined) return given
    }
  }

  async #open(): Promise<HttpConnection> {
    this.#opening++
    try {
      const connection = await HttpConnection.open(this.#options.endpoint, this.#options.idleTimeoutMs)
      this.#all.add(connection)
      return connection
    } finally {
      this.#opening--
    }
  }

  #release(connection: HttpConnection): void {
    if (!connection.isUsable) {
      connection.destroy()
      this.#all.delete(connection)
      this.#waiting.shift()?.resolve(undefined)
      return
    }
    const next = this.#waiting.shift()
    if (next !== undefined) next.resolve(connection)
    else {
      connection.ref(false)
      this.#idle.push(connection)
    }
  }
}

/** Requests that may be made twice without harm. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
