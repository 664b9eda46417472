import { LakehouseError } from '../../core/errors.ts'

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Text between tags as it was meant: named and numbered entities resolved. */
function unescapeXml(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(/&(#x[0-9a-fA-F]+|#\d+|[a-z]+);/g, (whole, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
    return ENTITIES[entity] ?? whole
  })
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;')
}

/** The text of the first element of that name at or after `from`, or undefined. Elements with the name must not nest. */
export function elementText(xml: string, name: string, from = 0, end = xml.length): string | undefined {
  const open = xml.indexOf(`<${name}>`, from)
  if (open < 0 || open >= end) return undefined
  const start = open + name.length + 2
  const close = xml.indexOf(`</${name}>`, start)
  return close < 0 || close > end ? undefined : unescapeXml(xml.slice(start, close))
}

/** The name of the root element of a document that is whole, or undefined: an answer that was cut is no answer. */
export function rootOf(xml: string): string | undefined {
  const open = /^\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]+)[\s>]/.exec(xml.slice(0, 1024))
  const name = open?.[1]
  return name !== undefined && xml.trimEnd().endsWith(`</${name}>`) ? name : undefined
}

/** An ETag without the quotes that servers put around it in one spelling or another. */
export function bareEtag(text: string): string {
  const plain = unescapeXml(text)
  return plain.startsWith('"') && plain.endsWith('"') && plain.length >= 2 ? plain.slice(1, -1) : plain
}

export type ListedObject = { readonly key: string; readonly size: number; readonly etag: string; readonly lastModifiedMs: number }

export type ListPage = {
  readonly objects: readonly ListedObject[]
  readonly prefixes: readonly string[]
  /** Whether there is more; `token` and `marker` say how to ask for it, as far as the server told. */
  readonly truncated: boolean
  readonly token: string | undefined
  readonly marker: string | undefined
}

/**
 * A page of a listing, ListObjectsV2 or V1. Keys are decoded only when the answer says that they are encoded. Throws LISTING_INVALID for anything that is
 * not a whole ListBucketResult.
 */
export function parseListPage(xml: string, address: string): ListPage {
  if (rootOf(xml) !== 'ListBucketResult')
    throw new LakehouseError('LISTING_INVALID', `${address} did not answer with a whole listing`, {
      details: { address, answer: xml.slice(0, 100) },
    })
  const firstItem = xml.search(/<(Contents|CommonPrefixes)>/)
  const head = firstItem < 0 ? xml : xml.slice(0, firstItem)
  // Some servers tell of the whole page at its end.
  const lastItem = Math.max(xml.lastIndexOf('</Contents>'), xml.lastIndexOf('</CommonPrefixes>'))
  const about = (name: string) => elementText(head, name) ?? (lastItem < 0 ? undefined : elementText(xml, name, lastItem))
  const decode = about('EncodingType') === 'url' ? decodeKey : (text: string) => text
  const objects = items(xml, 'Contents').map(({ start, end }) => parseObject(xml, start, end, decode, address))
  const prefixes = items(xml, 'CommonPrefixes').map(({ start, end }) => decode(elementText(xml, 'Prefix', start, end) ?? ''))
  const truncated = about('IsTruncated')
  if (truncated !== 'true' && truncated !== 'false')
    throw new LakehouseError('LISTING_INVALID', `${address} does not say whether its listing is complete`, { details: { address } })
  const marker = about('NextMarker')
  return {
    objects,
    prefixes,
    truncated: truncated === 'true',
    token: about('NextContinuationToken'),
    marker: marker === undefined ? undefined : decode(marker),
  }
}

function items(xml: string, name: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = []
  const [open, close] = [`<${name}>`, `</${name}>`]
  for (let start = xml.indexOf(open); start >= 0; ) {
    const end = xml.indexOf(close, start)
    if (end < 0) break
    found.push({ start, end })
    start = xml.indexOf(open, end)
  }
  return found
}

function parseObject(xml: string, start: number, end: number, decode: (text: string) => string, address: string): ListedObject {
  const key = elementText(xml, 'Key', start, end)
  const size = Number(elementText(xml, 'Size', start, end) ?? Number.NaN)
  const lastModifiedMs = Date.parse(elementText(xml, 'LastModified', start, end) ?? '')
  if (key === undefined || key === '' || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(lastModifiedMs))
    throw new LakehouseError('LISTING_INVALID', `${address} lists an object without key, size or time`, { details: { address } })
  return { key: decode(key), size, etag: bareEtag(elementText(xml, 'ETag', start, end) ?? ''), lastModifiedMs }
}

/** Servers write a space as %20 or as +; a plus itself is always %2B. */
function decodeKey(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw new LakehouseError('LISTING_INVALID', `a listing holds the key "${text.slice(0, 200)}", which is not encoded as it says`, {
      cause: error,
    })
  }
}
