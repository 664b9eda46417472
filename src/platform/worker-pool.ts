import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { asLakehouseError, type ErrorCode, type ErrorDetails, LakehouseError } from '../core/errors.ts'

type Waiting<T, R> = { readonly task: T; readonly resolve: (result: R) => void; readonly reject: (error: unknown) => void }

/** An error in a form that keeps its code between threads. A structured clone would lose it. */
export type Failure = { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails }

/** The answer of a worker module for an error. */
export function asFailure(error: unknown): Failure {
  const { code, message, details } = asLakehouseError(error, 'DECODER_FAILED')
  return { code, message, details }
}

/** A thread that does not stop within this time is abandoned. */
const PATIENCE_MS = 10_000

async function stop(thread: Worker): Promise<void> {
  thread.ref()
  const ended = once(thread, 'exit')
  thread.postMessage(null)
  const late = setTimeout(() => void thread.terminate(), PATIENCE_MS)
  await ended
  clearTimeout(late)
}

/** Runs tasks on worker threads; each thread runs one task at a time. The module answers every message with `{ result }` or `{ failure }` (see `asFailure`), and ends on null. */
export class WorkerPool<T, R> {
  readonly size: number
  readonly #module: URL
  readonly #data: unknown
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Waiting<T, R>>()
  readonly #queue: Waiting<T, R>[] = []
  #closing: Promise<unknown> | undefined

  /** Every thread gets `data` as its workerData. */
  constructor(module: URL, size: number, data: unknown) {
    this.size = size
    this.#data = data
    this.#module = module
  }

  /** Starts the threads before tasks arrive. */
  warmUp(): void {
    while (this.#idle.length + this.#busy.size < this.size) this.#idle.push(this.#start())
  }

  /** The result of the task. Throws DECODER_FAILED when the thread dies, INTERRUPTED when the pool is closed. */
  run(task: T): Promise<R> {
    if (this.#closing !== undefined) return Promise.reject(new LakehouseError('INTERRUPTED', 'interrupted'))
    this.warmUp()
    return new Promise<R>((resolve, reject) => {
      this.#queue.push({ task, resolve, reject })
      this.#dispatch()
    })
  }

  /**
   * Ends the threads; unfinished tasks fail. The message null asks a thread to stop, because terminating a thread inside native code
   * would end the whole process.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  #close(): Promise<unknown> {
    const interrupted = new LakehouseError('INTERRUPTED', 'interrupted')
    const threads = [...this.#idle, ...this.#busy.keys()]
    for (const { reject } of [...this.#queue.splice(0), ...this.#busy.values()]) reject(interrupted)
    this.#busy.clear()
    this.#idle.length = 0
    return Promise.all(threads.map(stop))
  }

  #start(): Worker {
    const worker = new Worker(this.#module, { workerData: this.#data })
    worker.unref()
    worker.on('message', (message: { result: R } | { failure: Failure }) => {
      const done = this.#busy.get(worker)
      this.#busy.delete(worker)
      worker.unref()
      this.#idle.push(worker)
      if ('result' in message) done?.resolve(message.result)
      else done?.reject(new LakehouseError(message.failure.code, message.failure.message, { details: message.failure.details }))
      this.#dispatch()
    })
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', (code) => this.#lose(worker, new Error(`the thread ended with code ${code}`)))
    return worker
  }

  /** The task of a dead thread fails. If it was the last thread, waiting tasks fail too, because they would wait for ever. */
  #lose(worker: Worker, error: Error): void {
    const { code } = asLakehouseError(error)
    const lost = new LakehouseError(
      code === 'INTERNAL' ? 'DECODER_FAILED' : code,
      `a worker thread died: ${error.message}; run again with --verbose and report this message`,
      { cause: error },
    )
    this.#busy.get(worker)?.reject(lost)
    this.#busy.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    if (this.#idle.length + this.#busy.size === 0) for (const { reject } of this.#queue.splice(0)) reject(lost)
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop()
      if (worker === undefined) return
      const next = this.#queue.shift()
      if (next === undefined) {
        this.#idle.push(worker)
        return
      }
      this.#busy.set(worker, next)
      worker.ref()
      worker.postMessage(next.task)
    }
  }
}
