import { createHmac, hash } from 'node:crypto'

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined }

/** The body is not part of the signature: the connection, or a checksum of our own, proves it. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export type SigningRequest = {
  readonly method: string
  /** Path as it is sent, percent-encoded. */
  readonly path: string
  /** Query as it is sent, sorted by name, percent-encoded, without a question mark. */
  readonly query: string
  readonly host: string
  /** Lower-case names that begin with x-amz-, and those besides that are to be signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly payloadSha256: string
}

/**
 * Signs requests with AWS Signature Version 4 for one region and set of credentials. The derived key is kept for the day, the date for the second.
 * Source: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
 */
export class Signer {
  readonly #credentials: Credentials
  readonly #region: string
  #mac = new Mac(Buffer.alloc(0))
  #day = ''
  #second = -1
  #date = ''

  constructor(credentials: Credentials, region: string) {
    this.#credentials = credentials
    this.#region = region
  }

  /** The header lines that make the request signed, each with its line end: the given headers and those that the signature adds. */
  sign(request: SigningRequest, nowMs: number): string {
    const date = this.#dateOf(nowMs)
    const { sessionToken, accessKeyId } = this.#credentials
    const headers: Record<string, string> = {
      ...request.headers,
      host: request.host,
      'x-amz-content-sha256': request.payloadSha256,
      'x-amz-date': date,
    }
    if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken
    const names = Object.keys(headers).sort()
    const signed = names.join(';')
    let canonicalHeaders = ''
    let lines = ''
    for (const name of names) {
      const value = headers[name] ?? ''
      canonicalHeaders += `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`
      lines += `${name}: ${value}\r\n`
    }
    const canonical = `${request.method}\n${request.path}\n${request.query}\n${canonicalHeaders}\n${signed}\n${request.payloadSha256}`
    const scope = `${this.#day}/${this.#region}/s3/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash('sha256', canonical)}`
    const signature = this.#mac.hex(text)
    return `${lines}authorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}\r\n`
  }

  #dateOf(nowMs: number): string {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#date = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
      const day = this.#date.slice(0, 8)
      if (day !== this.#day) this.#mac = new Mac(this.#derive(day))
      this.#day = day
    }
    return this.#date
  }

  #derive(day: string): Buffer {
    const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    return hmac(hmac(hmac(hmac(`AWS4${this.#credentials.secretAccessKey}`, day), this.#region), 's3'), 'aws4_request')
  }
}

/**
 * HMAC-SHA256 (RFC 2104) under one key, its padded key hashed along with each message. Two hashes in one call each cost a third of what `createHmac` does,
 * most of which is looking at the key.
 */
class Mac {
  readonly #inner: Buffer
  readonly #outer: Buffer

  constructor(key: Buffer) {
    const block = Buffer.alloc(64)
    key.copy(block)
    this.#inner = Buffer.from(block.map((byte) => byte ^ 0x36))
    this.#outer = Buffer.from(block.map((byte) => byte ^ 0x5c))
  }

  hex(text: string): string {
    const inner = hash('sha256', Buffer.concat([this.#inner, Buffer.from(text)]), 'buffer')
    return hash('sha256', Buffer.concat([this.#outer, inner]), 'hex')
  }
}

/** Percent-encoding as S3 signs it: everything but letters, digits and -_.~ */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

const PLAIN_PATH = /^[A-Za-z0-9\-_.~/]*$/

/** A key as a path: its slashes stay. */
export function encodeKey(key: string): string {
  return PLAIN_PATH.test(key) ? key : key.split('/').map(encodeSegment).join('/')
}

/** A query string, sorted by name as the signature wants it. */
export function encodeQuery(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.keys(parameters)
    .filter((name) => parameters[name] !== undefined)
    .sort()
    .map((name) => `${encodeSegment(name)}=${encodeSegment(parameters[name] ?? '')}`)
    .join('&')
}
