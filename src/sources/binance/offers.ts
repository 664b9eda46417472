import { INTERVAL_IDS, type Interval } from '../../core/interval.ts'
import type { DatasetId } from '../../datasets/registry.ts'
import type { ArchiveOffer, Offer } from '../contract.ts'
import type { Market } from './markets.ts'

type Published = ArchiveOffer & { readonly dataset: DatasetId }

const INTRADAY: readonly Interval[] = ['1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d']
const FUTURES_DAILY = INTRADAY
const FUTURES_MONTHLY: readonly Interval[] = [...INTRADAY, '3d', '1w', '1mo']

const FUTURES_HABITS = { header: 'since 2022', timeUnit: 'ms' } as const
const NO_VOLUME = 'the volume columns are always 0 and have no meaning'

const spot: readonly Published[] = [
  {
    dataset: 'klines',
    periods: { daily: ['1s', ...INTRADAY], monthly: INTERVAL_IDS },
    firstDate: '2017-08-17',
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: [
      'outages are missing rows',
      'bars of December 2017 and February 2018 do not open on the grid',
      'the ignore column is not zero in 2017',
    ],
  },
  {
    dataset: 'aggTrades',
    periods: { daily: [], monthly: [] },
    firstDate: '2017-08-17',
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: ['booleans are True and False'],
  },
  {
    dataset: 'trades',
    periods: { daily: [], monthly: [] },
    firstDate: '2017-08-17',
    header: 'never',
    timeUnit: 'ms, µs since 2025-01-01',
    quirks: ['booleans are True and False'],
  },
]

const futures: readonly Published[] = [
  {
    dataset: 'klines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-09-08',
    ...FUTURES_HABITS,
    quirks: ['outages are filler rows of zero volume'],
  },
  {
    dataset: 'markPriceKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME],
  },
  {
    dataset: 'indexPriceKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME],
  },
  {
    dataset: 'premiumIndexKlines',
    periods: { daily: FUTURES_DAILY, monthly: FUTURES_MONTHLY },
    firstDate: '2019-12-31',
    ...FUTURES_HABITS,
    quirks: [NO_VOLUME, 'values may be negative'],
  },
  { dataset: 'aggTrades', periods: { daily: [], monthly: [] }, firstDate: '2019-09-08', ...FUTURES_HABITS, quirks: [] },
  { dataset: 'trades', periods: { daily: [], monthly: [] }, firstDate: '2019-09-08', ...FUTURES_HABITS, quirks: [] },
  {
    dataset: 'fundingRate',
    periods: { monthly: [] },
    firstDate: '2020-01-01',
    header: 'always',
    timeUnit: 'ms',
    quirks: ['calc_time is some ms after the hour'],
  },
  {
    dataset: 'metrics',
    periods: { daily: [] },
    firstDate: '2020-09-01',
    header: 'always',
    timeUnit: 'text',
    quirks: ['not sorted', 'may hold the first row of the next day'],
  },
  {
    dataset: 'bookDepth',
    periods: { daily: [] },
    firstDate: '2023-01-01',
    header: 'always',
    timeUnit: 'text',
    quirks: ['percentages are -5 in old files and -5.00 in new ones'],
  },
]

const um: readonly Published[] = [
  ...futures,
  {
    dataset: 'bookTicker',
    periods: { daily: [], monthly: [] },
    firstDate: '2023-05-16',
    discontinued: '2024-03-31',
    ...FUTURES_HABITS,
    quirks: [],
  },
]

const cmOnly: Readonly<Record<string, Partial<ArchiveOffer>>> = {
  klines: {
    firstDate: '2020-08-10',
    quirks: ['volume counts contracts and quote_volume the base asset', 'outages are filler rows of zero volume'],
  },
  indexPriceKlines: { quirks: [NO_VOLUME, 'keyed by the bare pair (BTCUSD)'] },
  premiumIndexKlines: { quirks: [NO_VOLUME, 'values may be negative', 'perpetual contracts only'] },
  aggTrades: { firstDate: '2020-08-10', quirks: ['the quantity is written as a float (542.0) since 2026'] },
  trades: { firstDate: '2020-08-10' },
}

const cm: readonly Published[] = [
  ...futures.map((entry) => ({ ...entry, ...cmOnly[entry.dataset] })),
  {
    dataset: 'bookTicker',
    periods: { daily: [], monthly: [] },
    firstDate: '2023-05-16',
    discontinued: '2024-10-15',
    ...FUTURES_HABITS,
    quirks: [],
  },
  {
    dataset: 'liquidationSnapshot',
    periods: { daily: [] },
    firstDate: '2023-06-25',
    discontinued: '2024-10-15',
    header: 'always',
    timeUnit: 'ms',
    quirks: ['every row appears twice', 'days are missing'],
  },
]

const option: readonly Published[] = [
  {
    dataset: 'BVOLIndex',
    periods: { daily: [] },
    firstDate: '2023-06-20',
    header: 'always',
    timeUnit: 'ms',
    quirks: ['one row a second'],
  },
  {
    dataset: 'EOHSummary',
    periods: { daily: [] },
    firstDate: '2023-05-18',
    discontinued: '2023-10-24',
    header: 'always',
    timeUnit: 'text',
    quirks: ['hours are not sorted', 'numbers such as 0E-8', 'best_buy_iv is always empty'],
  },
]

/** Everything that the archive publishes, by market, with the expected properties of the files. */
export const OFFERS: readonly (Offer & { readonly market: Market })[] = Object.entries({ spot, um, cm, option }).flatMap(
  ([market, published]) => published.map(({ dataset, ...archive }) => ({ market: market as Market, dataset, archive })),
)

/** How the archive publishes a type of a market, or undefined if it does not publish it. */
export function findOffer(market: string, dataset: DatasetId): Offer | undefined {
  return OFFERS.find((offer) => offer.market === market && offer.dataset === dataset)
}
