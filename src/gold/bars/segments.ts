import { LakehouseError } from '../../core/errors.ts'
import { isCountedInBase, tradedNames } from '../../sources/series.ts'
import type { TradedRows } from './traded-rows.ts'

/** When a series is split: after a break longer than `splitUs`, or a break longer than `jumpUs` over which the price changed by more than `jump`. */
type SegmentRule = { readonly splitUs: number; readonly jumpUs: number; readonly jump: number }

/** The rule of the common download tools. */
const SEGMENT_RULE: SegmentRule = { splitUs: 2 * 86_400_000_000, jumpUs: 86_400_000_000, jump: 0.1 }

/** SQL of funding rates, and the names of its time and rate columns. */
export type FundingRows = { readonly rows: string; readonly time: string; readonly rate: string }

/**
 * SQL of bars for a back-test. Splits a series into segments when the ticker was listed again for something else: the earlier segments are named SP0_…, SP1_…,
 * and the last one keeps the name. Each segment has every bar of its calendar, an average price within [low, high], and the funding rate at the start of the bar.
 * A filled bar has the last close as every price, no volume, and `is_filled`. `funding` is SQL of the funding rates; without it the rate is 0.
 * Throws INDICATOR_INVALID when the rows are not bars of a fixed length.
 */
export function segmentsSql(source: TradedRows, rows: string, funding: FundingRows | undefined, rule: SegmentRule = SEGMENT_RULE): string {
  const { us, market } = source
  if (us === undefined)
    throw new LakehouseError(
      'INDICATOR_INVALID',
      `cannot build segments from ${source.interval} rows: name a table of klines of a fixed length, not of trades or months`,
      {
        details: { rows: source.interval },
      },
    )
  const { amount, value, taker_amount: takerAmount, taker_value: takerValue } = tradedNames(market)
  // A contract of coin-margined futures has a round quote value, so the average price is contracts × size / amount of the base asset.
  const average = isCountedInBase(market)
    ? `${value} / ${amount}`
    : `${amount} * round(median(${value} * (high + low) / 2 / ${amount}) OVER (PARTITION BY symbol)) / ${value}`
  const rates =
    funding === undefined
      ? 'SELECT NULL::VARCHAR AS symbol, NULL::TIMESTAMPTZ AS open_time, 0::DOUBLE AS rate WHERE false'
      : `SELECT symbol, date_trunc('hour', ${funding.time}) AS open_time, arg_max(${funding.rate}, ${funding.time}) AS rate FROM (${funding.rows}) GROUP BY ALL`
  return `WITH traded AS (SELECT symbol, open_time, open, high, low, close, ${amount}, ${value}, trade_count, ${takerAmount}, ${takerValue}, greatest(low, least(high, ${average})) AS vwap
      FROM (${rows}) WHERE ${amount} > 0 AND ${value} > 0),
    stepped AS (SELECT *, epoch_us(open_time) - epoch_us(lag(open_time) OVER by_time) AS gap, abs(open / lag(close) OVER by_time - 1) AS jump FROM traded WINDOW by_time AS (PARTITION BY symbol ORDER BY open_time)),
    numbered AS (SELECT * EXCLUDE (gap, jump), count(*) FILTER (gap > ${rule.splitUs} OR (gap > ${rule.jumpUs} AND jump > ${rule.jump})) OVER (PARTITION BY symbol ORDER BY open_time) AS part FROM stepped),
    named AS (SELECT *, CASE WHEN part = max(part) OVER (PARTITION BY symbol) THEN symbol ELSE 'SP' || part || '_' || symbol END AS segment FROM numbered),
    calendar AS (SELECT symbol, segment, part, unnest(range(epoch_us(min(open_time)), epoch_us(max(open_time)) + 1, ${us})) AS at FROM named GROUP BY ALL),
    joined AS (SELECT c.symbol, c.segment, c.part, make_timestamptz(c.at) AS open_time, n.* EXCLUDE (symbol, segment, part, open_time), n.open IS NULL AS is_filled,
        last_value(n.close IGNORE NULLS) OVER (PARTITION BY c.symbol, c.part ORDER BY c.at) AS held
      FROM calendar c LEFT JOIN named n ON n.symbol = c.symbol AND n.part = c.part AND epoch_us(n.open_time) = c.at)
    SELECT j.symbol, segment, j.open_time, coalesce(open, held) AS open, coalesce(high, held) AS high, coalesce(low, held) AS low, held AS close, coalesce(${amount}, 0) AS ${amount}, coalesce(${value}, 0) AS ${value},
      coalesce(trade_count, 0) AS trade_count, coalesce(${takerAmount}, 0) AS ${takerAmount}, coalesce(${takerValue}, 0) AS ${takerValue}, coalesce(vwap, held) AS vwap,
      coalesce(f.rate, 0) AS funding_rate, is_filled
    FROM joined j LEFT JOIN (${rates}) f ON f.symbol = j.symbol AND f.open_time = j.open_time ORDER BY j.symbol, j.open_time`
}
