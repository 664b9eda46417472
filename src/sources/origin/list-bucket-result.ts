import { XMLParser, XMLValidator } from 'fast-xml-parser'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import type { ArchiveObject } from './origin.ts'

/** One page of a listing; `nextMarker` is undefined on the last. */
export type ListingPage = {
  readonly objects: readonly ArchiveObject[]
  readonly folders: readonly string[]
  readonly nextMarker: string | undefined
}

const content = z.object({
  Key: z.string(),
  LastModified: z.string(),
  ETag: z.string().default(''),
  Size: z.coerce.number().int().nonnegative(),
})
const page = z.object({
  ListBucketResult: z.object({
    IsTruncated: z.enum(['true', 'false']),
    EncodingType: z.string().optional(),
    NextMarker: z.string().optional(),
    Contents: z.array(content).default([]),
    CommonPrefixes: z.array(z.object({ Prefix: z.string() })).default([]),
  }),
})

const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: false,
  isArray: (name) => name === 'Contents' || name === 'CommonPrefixes',
})

/** The page in a ListObjects (version 1) answer. Throws ARCHIVE_LISTING_INVALID unless it is a complete and well-formed ListBucketResult. */
export function parseListingPage(xml: string, address: string): ListingPage {
  const wellFormed = XMLValidator.validate(xml) === true
  const parsed = wellFormed ? page.safeParse(parser.parse(xml)) : undefined
  if (parsed?.success !== true) {
    throw new LakehouseError(
      'ARCHIVE_LISTING_INVALID',
      `the answer of ${address} is not a complete listing: check the address of the archive, or run again`,
      {
        details: { address, text: xml.slice(0, 120) },
      },
    )
  }
  const { Contents, CommonPrefixes, IsTruncated, EncodingType, NextMarker } = parsed.data.ListBucketResult
  const decode = EncodingType === 'url' ? (text: string) => decodeURIComponent(text.replaceAll('+', ' ')) : (text: string) => text
  const objects = Contents.map((entry) => ({
    key: decode(entry.Key),
    size: entry.Size,
    etag: bareEtag(entry.ETag),
    lastModifiedMs: Date.parse(entry.LastModified),
  }))
  const folders = CommonPrefixes.map((entry) => decode(entry.Prefix))
  return { objects, folders, nextMarker: IsTruncated === 'true' ? continuation(NextMarker, decode, objects, folders, address) : undefined }
}

/** Version 1 gives the next marker only with a delimiter; otherwise it is the last key of the page. */
function continuation(
  named: string | undefined,
  decode: (text: string) => string,
  objects: readonly ArchiveObject[],
  folders: readonly string[],
  address: string,
): string {
  const marker = named === undefined ? (objects.at(-1)?.key ?? folders.at(-1)) : decode(named)
  if (marker === undefined)
    throw new LakehouseError('ARCHIVE_LISTING_INVALID', `the answer of ${address} is an empty page but not the last one: run again`, {
      details: { address },
    })
  return marker
}

/** An ETag without quotes, in any spelling of the quotes. */
export function bareEtag(etag: string): string {
  return etag.replaceAll(/&(quot|#34);|"/g, '').replace(/^W\//, '')
}
