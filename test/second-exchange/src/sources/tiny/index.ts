import { LakehouseError } from '../../core/errors.ts'
import type { Source } from '../contract.ts'
import { format } from './archive/formats.ts'
import { dateSql, fileKey, ownsSql, parseKey, seriesPrefix, symbolSql, typePrefix } from './archive/keys.ts'
import { MARKETS } from './markets.ts'
import { OFFERS } from './offers.ts'
import { symbols } from './symbols.ts'

const CHECKSUM = '.sha256'

export const tiny: Source = {
  id: 'tiny',
  name: 'Tiny',
  markets: MARKETS,
  symbols,
  offers: OFFERS,
  archive: {
    site: { files: 'https://files.tiny.invalid', listing: 'https://files.tiny.invalid', listingMayLag: false },
    bucket: 's3://tiny?anonymous=true',
    root: 'exports/',
    objectPrefix: 'tiny/',
    probe: 'exports/cash/trades/day/BTC-USD/2024-01-01.zip',
    typePrefix,
    seriesPrefix,
    fileKey,
    parseKey,
    checksumKey: (key) => key + CHECKSUM,
    checksumOf: (key) => (key.endsWith(CHECKSUM) ? key.slice(0, -CHECKSUM.length) : undefined),
    parseChecksum,
    format,
    dateSql,
    symbolSql,
    ownsSql,
  },
  outages: [{ market: 'cash', from: '2024-01-02T10:10:00Z', to: '2024-01-02T10:40:00Z' }],
}

/** The file holds the digest and nothing else. */
function parseChecksum(bytes: Uint8Array, fileName: string): string {
  const text = Buffer.from(bytes).toString('utf8').trim()
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw new LakehouseError('CHECKSUM_FILE_INVALID', `the checksum file of ${fileName} holds no SHA-256`, { details: { fileName } })
}
