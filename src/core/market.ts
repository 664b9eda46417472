/** The markets of the exchange: spot, USDⓈ-margined futures (um), coin-margined futures (cm), options. */
export const MARKETS = ['spot', 'um', 'cm', 'option'] as const

export type Market = (typeof MARKETS)[number]
