/**
 * Prices of S3 Standard in US dollars: per 1,000 requests (written: PUT, COPY, POST, LIST; read: GET and the rest; deletes are free), and per gigabyte that
 * leaves the region. As of 2025-12, aws.amazon.com/s3/pricing. Other regions use the prices of us-east-1.
 */
export const PRICES = {
  asOf: '2025-12',
  source: 'https://aws.amazon.com/s3/pricing/',
  regions: {
    'us-east-1': { writtenPerThousand: 0.005, readPerThousand: 0.0004, internetPerGb: 0.09, otherRegionPerGb: 0.02 },
    'ap-northeast-1': { writtenPerThousand: 0.0047, readPerThousand: 0.00037, internetPerGb: 0.114, otherRegionPerGb: 0.09 },
    'eu-west-1': { writtenPerThousand: 0.005, readPerThousand: 0.0004, internetPerGb: 0.09, otherRegionPerGb: 0.02 },
  },
} as const

const READS = new Set(['GetObject', 'HeadObject'])
const FREE = new Set(['DeleteObject', 'DeleteObjects', 'AbortMultipartUpload'])

/** The cost of requests in a region, in dollars. `requests` counts them by operation. */
export function requestCost(region: string, requests: ReadonlyMap<string, number>): number {
  const prices = regionPrices(region)
  let dollars = 0
  for (const [operation, count] of requests) {
    if (FREE.has(operation)) continue
    dollars += (count / 1000) * (READS.has(operation) ? prices.readPerThousand : prices.writtenPerThousand)
  }
  return dollars
}

export function regionPrices(
  region: string,
): (typeof PRICES.regions)['us-east-1'] | (typeof PRICES.regions)['ap-northeast-1'] | (typeof PRICES.regions)['eu-west-1'] {
  const regions: Readonly<Record<string, (typeof PRICES.regions)[keyof typeof PRICES.regions]>> = PRICES.regions
  return regions[region] ?? PRICES.regions['us-east-1']
}
