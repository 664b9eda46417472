type Settled<R> = { id: number } & ({ value: R } | { error: unknown })

/**
 * Yields `work(item)` for every item as it finishes, at most `limit` at a time. Items are drawn only when a slot is free.
 * The first error, or the reason of an aborted signal, ends the iteration and is thrown. Work that has begun is awaited first.
 */
export async function* mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  options: { limit: number; signal?: AbortSignal | undefined },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const source = toAsyncIterator(items)
  const running = new Map<number, Promise<Settled<R>>>()
  let drawn = 0
  let drained = false
  try {
    while (true) {
      while (!drained && running.size < options.limit) {
        options.signal?.throwIfAborted()
        const next = await source.next()
        if (next.done === true) drained = true
        else running.set(drawn, settle(drawn, work(next.value)))
        drawn++
      }
      if (running.size === 0) return
      const settled = await Promise.race(running.values())
      running.delete(settled.id)
      if ('error' in settled) throw settled.error
      yield settled.value
    }
  } finally {
    await Promise.all(running.values())
    await source.return?.()
  }
}

function settle<R>(id: number, promise: Promise<R>): Promise<Settled<R>> {
  return promise.then(
    (value) => ({ id, value }),
    (error: unknown) => ({ id, error }),
  )
}

function toAsyncIterator<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
  const iterator = items[Symbol.iterator]()
  return { next: async () => iterator.next(), return: async () => iterator.return?.() ?? { done: true, value: undefined } }
}
