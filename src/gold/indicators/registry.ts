import { adx } from './adx.ts'
import { adxr } from './adxr.ts'
import { anchoredVwap } from './anchored-vwap.ts'
import { atr } from './atr.ts'
import { beta } from './beta.ts'
import { bollinger } from './bollinger.ts'
import { candle } from './candle.ts'
import { cci } from './cci.ts'
import { correlation } from './correlation.ts'
import { dema } from './dema.ts'
import { donchian } from './donchian.ts'
import { dx } from './dx.ts'
import { ema } from './ema.ts'
import { exactVwap } from './exact-vwap.ts'
import { garmanKlass } from './garman-klass.ts'
import { ichimoku } from './ichimoku.ts'
import type { Indicator } from './indicator.ts'
import { kama } from './kama.ts'
import { keltner } from './keltner.ts'
import { macd } from './macd.ts'
import { mfi } from './mfi.ts'
import { minusDi } from './minus-di.ts'
import { momentum } from './momentum.ts'
import { natr } from './natr.ts'
import { obv } from './obv.ts'
import { parkinson } from './parkinson.ts'
import { plusDi } from './plus-di.ts'
import { psar } from './psar.ts'
import { realisedVolatility } from './realised-volatility.ts'
import { roc } from './roc.ts'
import { rollingVwap } from './rolling-vwap.ts'
import { rsi } from './rsi.ts'
import { sma } from './sma.ts'
import { stochRsi } from './stoch-rsi.ts'
import { stochastic } from './stochastic.ts'
import { supertrend } from './supertrend.ts'
import { tema } from './tema.ts'
import { vwap } from './vwap.ts'
import { williamsR } from './williams-r.ts'
import { wma } from './wma.ts'
import { yangZhang } from './yang-zhang.ts'
import { zscore } from './zscore.ts'

/** Every indicator. To add one, add a file to this folder and a line here. */
export const INDICATORS: readonly Indicator[] = [
  sma,
  ema,
  wma,
  dema,
  tema,
  kama,
  rsi,
  macd,
  bollinger,
  atr,
  natr,
  plusDi,
  minusDi,
  dx,
  adx,
  adxr,
  stochastic,
  stochRsi,
  cci,
  mfi,
  obv,
  williamsR,
  roc,
  momentum,
  vwap,
  rollingVwap,
  anchoredVwap,
  exactVwap,
  ichimoku,
  keltner,
  donchian,
  supertrend,
  psar,
  realisedVolatility,
  parkinson,
  garmanKlass,
  yangZhang,
  zscore,
  correlation,
  beta,
  candle,
]
