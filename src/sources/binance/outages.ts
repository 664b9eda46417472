import type { Outage } from '../contract.ts'

/** Outages that users reported in issues 84, 169, 312, 365, 368 and 434 of binance/binance-public-data. */
export const OUTAGES: readonly Outage[] = [
  { market: 'spot', from: '2017-09-06T16:00:00Z', to: '2017-09-06T23:00:00Z' },
  { market: 'spot', from: '2018-02-08T00:28:00Z', to: '2018-02-09T10:00:00Z' },
  { market: 'spot', from: '2018-06-26T02:00:00Z', to: '2018-06-26T12:00:00Z' },
  { market: 'spot', from: '2018-07-04T00:22:00Z', to: '2018-07-04T08:00:00Z' },
  { market: 'spot', from: '2018-10-19T00:00:00Z', to: '2018-10-20T00:00:00Z' },
  { market: 'spot', from: '2018-11-14T00:00:00Z', to: '2018-11-15T00:00:00Z' },
  { market: 'spot', from: '2019-03-12T02:00:00Z', to: '2019-03-12T08:00:00Z' },
  { market: 'spot', from: '2019-05-15T03:00:00Z', to: '2019-05-15T13:00:00Z' },
  { market: 'spot', from: '2020-02-19T11:35:00Z', to: '2020-02-19T17:30:00Z' },
  { market: 'spot', from: '2020-12-21T13:47:00Z', to: '2020-12-21T18:00:00Z' },
  { market: 'spot', from: '2021-04-25T04:00:00Z', to: '2021-04-25T08:45:00Z' },
  { market: 'spot', from: '2023-03-24T12:30:00Z', to: '2023-03-24T14:00:00Z' },
]
