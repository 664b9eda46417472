import { LakehouseError } from '../../core/errors.ts'
import type { Place } from '../../storage/open-store.ts'
import { headObject, type ListFrom, listPage } from '../../storage/s3/operations.ts'
import { openObject } from '../../storage/s3/read-object.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import type { ArchiveOrigin } from './origin.ts'

/** An archive tree in a bucket, private or public, below the place's prefix. */
export function bucketOrigin(place: Place): ArchiveOrigin {
  const client = place.s3
  if (client === undefined) throw new LakehouseError('USAGE', `${place.address} is no bucket`, { details: { address: place.address } })
  const { prefix } = client.address
  return {
    address: place.address,
    listingMayLag: false,
    list: (under) => place.store.list(under),
    folders: (under) => folders(client, prefix + under),
    head: async (key) => {
      const found = await headObject(client, prefix + key)
      return found === undefined ? undefined : { key, size: found.size, etag: found.etag, lastModifiedMs: found.lastModifiedMs }
    },
    open: async (key) => {
      const { size, etag, lastModifiedMs, body } = await openObject(client, prefix + key)
      return { key, size, etag, lastModifiedMs, body: ownPieces(body) }
    },
    close: async () => place.close(),
  }
}

/** Pieces that stay as they are when the next one comes. */
async function* ownPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) yield Buffer.from(piece)
}

async function folders(client: S3Client, prefix: string): Promise<readonly string[]> {
  const names: string[] = []
  let from: ListFrom = {}
  for (;;) {
    const page = await listPage(client, prefix, from, { delimiter: '/' })
    for (const name of page.prefixes) names.push(name.slice(prefix.length, -1))
    if (!page.truncated) return names
    const after = page.marker ?? page.prefixes.at(-1)
    if (page.token === undefined && after === undefined)
      throw new LakehouseError('LISTING_INVALID', 'a listing does not say how it goes on', { details: { prefix } })
    from = page.token === undefined ? { after } : { token: page.token }
  }
}
