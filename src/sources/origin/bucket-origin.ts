import { LakehouseError } from '../../core/errors.ts'
import type { Place } from '../../storage/place.ts'
import { everyPage, headObject } from '../../storage/s3/operations.ts'
import { openObject } from '../../storage/s3/read-object.ts'
import type { S3Client } from '../../storage/s3/s3-client.ts'
import type { ArchiveOrigin } from './origin.ts'

/** An archive tree in a private or public bucket, below the prefix of the address. */
export function bucketOrigin(place: Place): ArchiveOrigin {
  const client = place.s3
  if (client === undefined)
    throw new LakehouseError('USAGE', `${place.address} is not a bucket: write s3://bucket/prefix`, { details: { address: place.address } })
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

/** Copies of the pieces, which stay valid when the next piece arrives. */
async function* ownPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) yield Buffer.from(piece)
}

async function folders(client: S3Client, prefix: string): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { prefixes } of everyPage(client, prefix, { delimiter: '/' }))
    for (const name of prefixes) names.push(name.slice(prefix.length, -1))
  return names
}
