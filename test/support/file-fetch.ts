import { readFile } from 'node:fs/promises'

/** icebird only fetches: file URLs are answered from the disk. */
export async function withFileFetch<T>(work: () => Promise<T>): Promise<T> {
  const original = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if (!url.startsWith('file://')) return await original(input, init)
    const bytes = await readFile(url.slice('file://'.length))
    const headers = new Headers(init?.headers)
    const range = /bytes=(\d+)-(\d*)/.exec(headers.get('range') ?? '')
    if (init?.method === 'HEAD') return new Response(null, { headers: { 'content-length': String(bytes.length) } })
    const body = range === null ? bytes : bytes.subarray(Number(range[1]), range[2] === '' ? undefined : Number(range[2]) + 1)
    return new Response(body, { status: range === null ? 200 : 206, headers: { 'content-length': String(body.length) } })
  }
  try {
    return await work()
  } finally {
    globalThis.fetch = original
  }
}
