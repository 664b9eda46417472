import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import { getObject, type ObjectHead, type OpenedObject } from './operations.ts'
import type { S3Client } from './s3-client.ts'

/** How often a body that breaks off is taken up again where it stopped. */
const RESUMES = 5

/**
 * Opens an object, or its part from `start` to `end`, whose body goes on by itself where the connection breaks: from the next byte, provided that the object
 * is still the same. The body ends with an error unless exactly the announced bytes came. Throws OBJECT_NOT_FOUND, PRECONDITION_FAILED.
 */
export async function openObject(
  client: S3Client,
  key: string,
  options: { etag?: string | undefined; range?: { start: number; end: number } | undefined } = {},
): Promise<ObjectHead & { readonly body: AsyncIterable<Uint8Array> }> {
  const first = await getObject(client, key, options)
  const { body, ...head } = first
  return { ...head, body: wholeBody(client, key, { ...head, body }, options.range) }
}

async function* wholeBody(
  client: S3Client,
  key: string,
  opened: OpenedObject,
  range: { start: number; end: number } | undefined,
): AsyncGenerator<Uint8Array> {
  const start = range?.start ?? 0
  const end = start + opened.size
  let at = start
  let { body } = opened
  for (let resumes = 0; ; resumes++) {
    try {
      for await (const piece of body) {
        at += piece.length
        if (at > end) break
        client.bytesReceived += piece.length
        yield piece
      }
      if (at === end) return
      throw new LakehouseError(
        at > end ? 'STORE_ANSWER_INVALID' : 'TRANSFER_TRUNCATED',
        `${key}: ${at - start} of ${end - start} bytes arrived`,
      )
    } catch (error) {
      const failure = asLakehouseError(error)
      if (!failure.retryable || failure.code === 'INTERRUPTED' || resumes >= RESUMES || at > end) throw failure
      client.retries++
      body = (await getObject(client, key, { etag: opened.etag, range: { start: at, end } })).body
    }
  }
}
