import { ChunkedParser } from './chunked-parser.ts'

export type HttpAnswer = { readonly status: number; readonly headers: ReadonlyMap<string, string> }

/** How the end of a body is known: by its length, by chunks, or because the connection closes. */
export type Framing = { kind: 'length'; left: number } | { kind: 'chunked'; parser: ChunkedParser } | { kind: 'close' }

/** The head of an answer; undefined if it does not begin as HTTP does, or has a header that is not safe to pass on. */
export function parseHead(head: string): HttpAnswer | undefined {
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(head)
  if (match === null) return undefined
  const headers = new Map<string, string>()
  const lines = head.split('\r\n')
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? ''
    // A bare line feed or another control character in a header would become a header of the request that carries it on.
    if (UNSAFE_HEADER.test(line)) return undefined
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status: Number(match[1]), headers }
}

/** Characters that end a header early or hide a part of it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const UNSAFE_HEADER = /[\0-\x08\x0a-\x1f\x7f]/

export function framingOf(method: string, status: number, headers: ReadonlyMap<string, string>): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'length', left: 0 }
  if (headers.get('transfer-encoding')?.toLowerCase().includes('chunked') === true) return { kind: 'chunked', parser: new ChunkedParser() }
  const length = headers.get('content-length')
  return length === undefined ? { kind: 'close' } : { kind: 'length', left: Number(length) }
}
