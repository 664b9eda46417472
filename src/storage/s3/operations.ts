import { hash } from 'node:crypto'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { S3Client } from './s3-client.ts'
import { encodeKey } from './sigv4.ts'
import { bareEtag, elementText, escapeXml, type ListedObject, type ListPage, parseListPage, rootOf } from './xml.ts'

/** Where a listing goes on: the server's token, the last key for stores without tokens, or a key of our own choice to begin after. */
export type ListFrom = { readonly token?: string | undefined; readonly after?: string | undefined }

/** One page of a listing, up to 1,000 keys. */
export async function listPage(
  client: S3Client,
  prefix: string,
  from: ListFrom,
  options: { delimiter?: string; maxKeys?: number } = {},
): Promise<ListPage> {
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    prefix,
    delimiter: options.delimiter,
    'max-keys': options.maxKeys === undefined ? undefined : String(options.maxKeys),
    'continuation-token': from.token,
    'start-after': from.token === undefined ? from.after : undefined,
    // For stores that know the first version of the operation only, and pass over what they do not know.
    marker: from.token === undefined ? from.after : undefined,
  }
  const address = `s3://${client.address.bucket}/${prefix}`
  return await client.expect({ operation: 'ListObjects', method: 'GET', query }, (text) =>
    rootOf(text) === 'Error' ? undefined : parseListPage(text, address),
  )
}

/** Pages without any key that a listing may have in a row. */
const EMPTY_MOST = 100

/** Ends a listing that makes no progress. */
export class PageGuard {
  readonly #address: string
  #empty = 0
  #token: string | undefined

  constructor(address: string) {
    this.#address = address
  }

  /** Looks at a page that is not the last one. Throws LISTING_INVALID for a token that is given again, and for many pages without keys. */
  check({ objects, prefixes, token }: Pick<ListPage, 'objects' | 'prefixes' | 'token'>): void {
    this.#empty = objects.length + prefixes.length === 0 ? this.#empty + 1 : 0
    const isStuck = (token !== undefined && token === this.#token) || this.#empty > EMPTY_MOST
    this.#token = token
    if (isStuck)
      throw new LakehouseError(
        'LISTING_INVALID',
        `the listing of ${this.#address} makes no progress: it repeats a token, or its pages have no keys`,
        {
          details: { address: this.#address },
        },
      )
  }
}

/** The pages of a listing, one after the other. Throws LISTING_INVALID when the store does not say how it goes on. */
export async function* everyPage(client: S3Client, prefix: string, options: { delimiter?: string } = {}): AsyncGenerator<ListPage> {
  let from: ListFrom = {}
  const guard = new PageGuard(`s3://${client.address.bucket}/${prefix}`)
  for (;;) {
    const page = await listPage(client, prefix, from, options)
    yield page
    if (!page.truncated) return
    guard.check(page)
    const after = page.marker ?? page.objects.at(-1)?.key ?? page.prefixes.at(-1)
    if (page.token === undefined && after === undefined)
      throw new LakehouseError('LISTING_INVALID', 'a listing does not say how it goes on', { details: { prefix } })
    from = page.token === undefined ? { after } : { token: page.token }
  }
}

/** The uploads in parts that have been begun and not ended. */
export async function listUploads(client: S3Client, prefix: string): Promise<{ key: string; uploadId: string; initiatedMs: number }[]> {
  const found: { key: string; uploadId: string; initiatedMs: number }[] = []
  let query: Record<string, string> = { uploads: '', prefix }
  for (;;) {
    const { text } = await client.call({ operation: 'ListMultipartUploads', method: 'GET', query })
    if (rootOf(text) !== 'ListMultipartUploadsResult') throw new LakehouseError('LISTING_INVALID', 'the list of uploads is not whole')
    for (let at = text.indexOf('<Upload>'); at >= 0; at = text.indexOf('<Upload>', at + 1)) {
      const initiatedMs = Date.parse(elementText(text, 'Initiated', at) ?? '')
      found.push({ key: elementText(text, 'Key', at) ?? '', uploadId: elementText(text, 'UploadId', at) ?? '', initiatedMs })
    }
    if (elementText(text, 'IsTruncated') !== 'true') return found
    query = {
      uploads: '',
      prefix,
      'key-marker': elementText(text, 'NextKeyMarker') ?? '',
      'upload-id-marker': elementText(text, 'NextUploadIdMarker') ?? '',
    }
  }
}

export type ObjectHead = ListedObject & {
  /** What the object carries besides its bytes, as headers: content-type and its like, x-amz-meta-*. */
  readonly carried: Readonly<Record<string, string>>
  /** SHA-256 that the store keeps of the whole object, hexadecimal. */
  readonly sha256: string | undefined
  /** AES256, aws:kms … as the store states it. */
  readonly encryption: string | undefined
}

/** What is known of an object, or undefined when it is not there. */
export async function headObject(
  client: S3Client,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ObjectHead | undefined> {
  const answer = await client.call({ operation: 'HeadObject', method: 'HEAD', key, headers, accept: [404] })
  return answer.status === 404 ? undefined : describeObject(key, answer.headers)
}

const CARRIED = /^(content-(type|encoding|language|disposition)|cache-control|expires|x-amz-meta-.*)$/

function describeObject(key: string, headers: ReadonlyMap<string, string>): ObjectHead {
  const carried: Record<string, string> = {}
  for (const [name, value] of headers) if (CARRIED.test(name)) carried[name] = value
  // Says how the bytes travelled to the store, which some stores keep by mistake.
  const encoding = carried['content-encoding']
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== 'aws-chunked' && one !== '')
    .join(', ')
  if (encoding === '') delete carried['content-encoding']
  else if (encoding !== undefined) carried['content-encoding'] = encoding
  return {
    key,
    size: Number(headers.get('content-length') ?? -1),
    etag: bareEtag(headers.get('etag') ?? ''),
    lastModifiedMs: Date.parse(headers.get('last-modified') ?? '') || 0,
    carried,
    sha256: sha256Of(headers.get('x-amz-checksum-sha256')),
    encryption: headers.get('x-amz-server-side-encryption'),
  }
}

/** Checksums travel in base64; a composite one (of parts) ends in -N and is none of the whole. */
function sha256Of(checksum: string | undefined): string | undefined {
  return checksum === undefined || checksum.includes('-') ? undefined : Buffer.from(checksum, 'base64').toString('hex')
}

export type OpenedObject = ObjectHead & { readonly body: AsyncGenerator<Uint8Array> }

/** Begins to read an object, or its half-open range, provided that it still has the ETag. Throws OBJECT_NOT_FOUND, PRECONDITION_FAILED. */
export async function getObject(
  client: S3Client,
  key: string,
  options: { range?: { start: number; end: number | undefined } | undefined; etag?: string | undefined } = {},
): Promise<OpenedObject> {
  const { range, etag } = options
  const headers = {
    ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}` }),
    ...(etag === undefined ? {} : { 'if-match': `"${etag}"` }),
  }
  const { headers: answered, body } = await client.open({ operation: 'GetObject', method: 'GET', key, headers })
  return { ...describeObject(key, answered), body }
}

/** How a new object is to be kept. Header names as S3 has them. */
export type WriteOptions = {
  readonly ifNoneMatch?: boolean | undefined
  readonly ifMatch?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A body that is sent while it is read; `md5` (base64) where it is known before. */
export type StreamedBody = { readonly pieces: AsyncIterable<Uint8Array>; readonly length: number; readonly md5?: string }

/** Writes an object in one piece; returns its ETag. Throws PRECONDITION_FAILED, CHECKSUM_MISMATCH. */
export async function putObject(
  client: S3Client,
  key: string,
  body: Uint8Array | StreamedBody,
  options: WriteOptions = {},
): Promise<{ etag: string; attempt: number }> {
  const { headers, attempt } = await client.call({
    operation: 'PutObject',
    method: 'PUT',
    key,
    body,
    headers: { ...checksumOf(body), ...conditions(options) },
  })
  return { etag: bareEtag(headers.get('etag') ?? ''), attempt }
}

/** The digest that the store compares with what arrives. Buckets with a default retention take nothing without one. */
function checksumOf(body: Uint8Array | StreamedBody): Record<string, string> {
  const md5 = body instanceof Uint8Array ? hash('md5', body, 'base64') : body.md5
  return md5 === undefined ? {} : { 'content-md5': md5 }
}

function conditions({ ifNoneMatch, ifMatch, headers }: WriteOptions): Record<string, string> {
  return {
    ...headers,
    ...(ifNoneMatch === true ? { 'if-none-match': '*' } : {}),
    ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
  }
}

export type CopySource = { readonly bucket: string; readonly key: string; readonly etag: string }

export type Copied = { readonly etag: string; readonly sha256: string | undefined }

/** Has the store copy an object of up to 5 GiB, provided that the source still has its ETag. Throws PRECONDITION_FAILED when it has not. */
export async function copyObject(client: S3Client, key: string, source: CopySource, options: WriteOptions = {}): Promise<Copied> {
  const headers = { ...conditions(options), ...sourceHeaders(source) }
  return await client.expect({ operation: 'CopyObject', method: 'PUT', key, headers }, (text) => copied(text, 'CopyObjectResult'))
}

function sourceHeaders({ bucket, key, etag }: CopySource): Record<string, string> {
  return { 'x-amz-copy-source': `/${bucket}/${encodeKey(key)}`, 'x-amz-copy-source-if-match': `"${etag}"` }
}

/** A copy has been made only if the answer is whole and says so. */
function copied(text: string, root: string): Copied | undefined {
  const etag = rootOf(text) === root ? elementText(text, 'ETag') : undefined
  return etag === undefined ? undefined : { etag: bareEtag(etag), sha256: sha256Of(elementText(text, 'ChecksumSHA256')) }
}

export type Part = { readonly number: number; readonly etag: string }

export async function createUpload(client: S3Client, key: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return await client.expect({ operation: 'CreateMultipartUpload', method: 'POST', key, query: { uploads: '' }, headers }, (text) =>
    rootOf(text) === 'InitiateMultipartUploadResult' ? elementText(text, 'UploadId') : undefined,
  )
}

export async function uploadPart(
  client: S3Client,
  key: string,
  uploadId: string,
  number: number,
  body: Uint8Array | StreamedBody,
): Promise<Part> {
  const query = { partNumber: String(number), uploadId }
  const { headers } = await client.call({ operation: 'UploadPart', method: 'PUT', key, query, body, headers: checksumOf(body) })
  return { number, etag: bareEtag(headers.get('etag') ?? '') }
}

export async function copyPart(
  client: S3Client,
  key: string,
  uploadId: string,
  number: number,
  source: CopySource,
  range: { start: number; end: number },
): Promise<Part> {
  const query = { partNumber: String(number), uploadId }
  const headers = { ...sourceHeaders(source), 'x-amz-copy-source-range': `bytes=${range.start}-${range.end - 1}` }
  const { etag } = await client.expect({ operation: 'UploadPartCopy', method: 'PUT', key, query, headers }, (text) =>
    copied(text, 'CopyPartResult'),
  )
  return { number, etag }
}

/** Makes the parts an object; returns its ETag. */
export async function completeUpload(
  client: S3Client,
  key: string,
  uploadId: string,
  parts: readonly Part[],
  options: WriteOptions = {},
): Promise<string> {
  const xml = parts.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${escapeXml(etag)}"</ETag></Part>`).join('')
  const body = Buffer.from(`<CompleteMultipartUpload>${xml}</CompleteMultipartUpload>`)
  const request = {
    operation: 'CompleteMultipartUpload',
    method: 'POST' as const,
    key,
    query: { uploadId },
    body,
    headers: conditions(options),
  }
  return await client.expect(request, (text) =>
    rootOf(text) === 'CompleteMultipartUploadResult' ? bareEtag(elementText(text, 'ETag') ?? '') : undefined,
  )
}

/** Aborts an upload; an upload that does not exist is not an error. */
export async function abortUpload(client: S3Client, key: string, uploadId: string): Promise<void> {
  await client.call({ operation: 'AbortMultipartUpload', method: 'DELETE', key, query: { uploadId }, accept: [404] })
}

export async function deleteObject(client: S3Client, key: string): Promise<void> {
  await client.call({ operation: 'DeleteObject', method: 'DELETE', key, accept: [404] })
}

/** Deletes up to 1,000 objects; returns those that the store refused to delete, with its reason. */
export async function deleteObjects(client: S3Client, keys: readonly string[]): Promise<{ key: string; reason: string }[]> {
  const refused: { key: string; reason: string }[] = []
  const odd = keys.filter((key) => XML_CANNOT.test(key))
  for (const key of odd)
    await deleteObject(client, key).catch((error: unknown) => refused.push({ key, reason: asLakehouseError(error).message }))
  const plain = odd.length === 0 ? keys : keys.filter((key) => !XML_CANNOT.test(key))
  return plain.length === 0 ? refused : [...refused, ...(await deleteTogether(client, plain))]
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no form for them
const XML_CANNOT = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

async function deleteTogether(client: S3Client, keys: readonly string[]): Promise<{ key: string; reason: string }[]> {
  const xml = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('')
  const body = Buffer.from(`<Delete><Quiet>true</Quiet>${xml}</Delete>`)
  const headers = { 'content-md5': hash('md5', body, 'base64') }
  return await client.expect({ operation: 'DeleteObjects', method: 'POST', query: { delete: '' }, body, headers }, (text) => {
    if (rootOf(text) !== 'DeleteResult' && !/<DeleteResult[^>]*\/>\s*$/.test(text)) return undefined
    const refused: { key: string; reason: string }[] = []
    for (let at = text.indexOf('<Error>'); at >= 0; at = text.indexOf('<Error>', at + 1))
      refused.push({ key: elementText(text, 'Key', at) ?? '', reason: elementText(text, 'Code', at) ?? '' })
    return refused
  })
}
