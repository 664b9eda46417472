import { hash, randomBytes } from 'node:crypto'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { compareKeys } from '../storage/object-store.ts'
import type { Place } from '../storage/place.ts'
import { copyObject, deleteObject, headObject, listPage, putObject } from '../storage/s3/operations.ts'
import type { S3Client } from '../storage/s3/s3-client.ts'

/** A capability of a store, and whether a test found it. */
export type Capability = { readonly name: string; readonly supported: boolean; readonly detail: string }

/** Tests what transfers and tables need from a store, with small objects below its prefix, which are removed afterwards. Throws when they cannot be written. */
export async function probeStore(place: Place): Promise<Capability[]> {
  const client = place.s3
  if (client === undefined) return [{ name: 'exclusive_put', supported: true, detail: 'a local directory: exclusive writes use links' }]
  const folder = `${client.address.prefix}.crypto-lakehouse-probe-${randomBytes(4).toString('hex')}/`
  const bytes = Buffer.from('probe')
  const names = ['a', 'c/1', 'c-b/1', 'ab', 'b c+d']
  try {
    const { etag } = await putObject(client, `${folder}a`, bytes)
    for (const name of names.slice(1)) await putObject(client, folder + name, bytes)
    const source = { bucket: client.address.bucket, key: `${folder}a`, etag }
    const refused = async (work: Promise<unknown>) =>
      await work.then(() => false).catch((error: unknown) => asLakehouseError(error).code === 'PRECONDITION_FAILED')
    return [
      await capability(
        'exclusive_put',
        () => refused(putObject(client, `${folder}a`, bytes, { ifNoneMatch: true })),
        'PutObject with If-None-Match, which table commits need',
      ),
      await capability(
        'server_copy',
        () => copyObject(client, `${folder}copy`, source).then((copy) => copy.etag === etag),
        'CopyObject that keeps a digest as the ETag',
      ),
      await capability(
        'pinned_copy',
        () => refused(copyObject(client, `${folder}copy`, { ...source, etag: '0'.repeat(32) })),
        'CopyObject that refuses a changed source',
      ),
      await capability(
        'exclusive_copy',
        () => refused(copyObject(client, `${folder}ab`, source, { ifNoneMatch: true })),
        'CopyObject with If-None-Match',
      ),
      await capability('copy_sha256', () => copiesDigest(client, folder, source, bytes), 'CopyObject that computes the SHA-256'),
      await capability('byte_order', () => listsInOrder(client, folder), 'listings in the order of bytes'),
    ]
  } finally {
    for (const name of [...names, 'copy']) await deleteObject(client, folder + name).catch(() => {})
  }
}

async function capability(name: string, tried: () => Promise<boolean>, detail: string): Promise<Capability> {
  try {
    return { name, supported: await tried(), detail }
  } catch (error) {
    const { code, message } = error instanceof LakehouseError ? error : asLakehouseError(error)
    return { name, supported: false, detail: `${detail} (${code}: ${message})` }
  }
}

async function copiesDigest(
  client: S3Client,
  folder: string,
  source: { bucket: string; key: string; etag: string },
  bytes: Buffer,
): Promise<boolean> {
  const { sha256 } = await copyObject(client, `${folder}copy`, source, { headers: { 'x-amz-checksum-algorithm': 'SHA256' } })
  return (sha256 ?? (await headObject(client, `${folder}copy`, { 'x-amz-checksum-mode': 'ENABLED' }))?.sha256) === hash('sha256', bytes)
}

async function listsInOrder(client: S3Client, folder: string): Promise<boolean> {
  const { objects } = await listPage(client, folder, {})
  return objects.length >= 5 && objects.every(({ key }, index) => index === 0 || compareKeys(objects[index - 1]?.key ?? '', key) < 0)
}
