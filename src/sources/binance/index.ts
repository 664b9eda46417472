import type { Source } from '../contract.ts'
import { dateSql, ownsSql, parseArchiveKey, printArchiveKey, seriesPrefix, symbolSql, typePrefix } from './archive/archive-key.ts'
import { parseChecksumFile } from './archive/checksum-file.ts'
import { format } from './archive/formats.ts'
import { instruments } from './instruments.ts'
import { MARKETS } from './markets.ts'
import { OFFERS } from './offers.ts'
import { OUTAGES } from './outages.ts'
import { symbols } from './symbols.ts'

const CHECKSUM = '.CHECKSUM'

export const binance: Source = {
  id: 'binance',
  name: 'Binance',
  markets: MARKETS,
  symbols,
  offers: OFFERS,
  archive: {
    // Files come from the CDN, listings from the bucket behind it. The listing has been seen to end a year before the newest file.
    site: {
      files: 'https://data.binance.vision',
      listing: 'https://s3-ap-northeast-1.amazonaws.com/data.binance.vision',
      listingMayLag: true,
    },
    bucket: 's3://data.binance.vision?region=ap-northeast-1&anonymous=true',
    root: 'data/',
    objectPrefix: '',
    probe: 'data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip.CHECKSUM',
    typePrefix,
    seriesPrefix,
    fileKey: printArchiveKey,
    parseKey: parseArchiveKey,
    checksumKey: (key) => key + CHECKSUM,
    checksumOf: (key) => (key.endsWith(CHECKSUM) ? key.slice(0, -CHECKSUM.length) : undefined),
    parseChecksum: parseChecksumFile,
    format,
    dateSql,
    symbolSql,
    ownsSql,
  },
  outages: OUTAGES,
  instruments,
}
