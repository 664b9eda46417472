import { LAKE_FORMAT, LAKE_MARKER } from '../../src/lake/layout.ts'
import { openS3 } from './s3-server.ts'

/** Makes an empty lake at an address, a directory or a bucket of a test server. */
export async function emptyLake(address: string): Promise<void> {
  const place = openS3(address)
  await place.store.put(LAKE_MARKER, Buffer.from(JSON.stringify({ format: LAKE_FORMAT })))
  place.close()
}
