import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { compareKeys, type ObjectStore } from '../storage/object-store.ts'

/** A page of ListObjects, version 1, like S3: with delimiter, marker and encoding-type=url. NextMarker appears only with a delimiter. */
export async function listingXml(store: ObjectStore, query: URLSearchParams, pageSize: number): Promise<string> {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const marker = query.get('marker') ?? ''
  const encoded = query.get('encoding-type') === 'url'
  const name = (text: string) => (encoded ? encodeURIComponent(text).replaceAll('%2F', '/') : escapeXml(text))
  const lines: string[] = []
  let last = ''
  let truncated = false
  let listed = 0
  for await (const { key, size, lastModifiedMs } of store.list(prefix)) {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const entry = cut < 0 ? key : key.slice(0, cut + delimiter.length)
    if (compareKeys(entry, marker) <= 0 || entry === last) continue
    if (listed === pageSize) {
      truncated = true
      break
    }
    listed++
    last = entry
    lines.push(
      cut >= 0
        ? `<CommonPrefixes><Prefix>${name(entry)}</Prefix></CommonPrefixes>`
        : await contents(store, key, name(key), size, lastModifiedMs),
    )
  }
  const next = truncated && delimiter !== '' ? `<NextMarker>${name(last)}</NextMarker>` : ''
  const encoding = encoded ? '<EncodingType>url</EncodingType>' : ''
  return `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>simulated</Name><Prefix>${name(prefix)}</Prefix><Marker>${name(marker)}</Marker><MaxKeys>${pageSize}</MaxKeys>${encoding}<IsTruncated>${truncated}</IsTruncated>${next}${lines.join('')}</ListBucketResult>`
}

async function contents(store: ObjectStore, key: string, name: string, size: number, lastModifiedMs: number): Promise<string> {
  const etag = createHash('md5')
    .update(await readFile(await store.files.open(key)))
    .digest('hex')
  const modified = new Date(lastModifiedMs).toISOString()
  return `<Contents><Key>${name}</Key><LastModified>${modified}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
