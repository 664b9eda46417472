import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitSymbol } from './symbols.ts'

const brief = (...[market, symbol]: Parameters<typeof splitSymbol>) => {
  const { base, quote, contractType, multiplier } = splitSymbol(market, symbol)
  return [base, quote, contractType, multiplier].join(' ')
}

test('symbols are split into base, quote, kind and multiplier', () => {
  assert.equal(brief('spot', 'BTCUSDT'), 'BTC USDT spot 1')
  assert.equal(brief('spot', 'ADABTC'), 'ADA BTC spot 1')
  assert.equal(brief('spot', 'BTCFDUSD'), 'BTC FDUSD spot 1')
  assert.equal(brief('um', '1000SHIBUSDT'), 'SHIB USDT perpetual 1000')
  assert.equal(brief('um', '1000000MOGUSDT'), 'MOG USDT perpetual 1000000')
  assert.equal(brief('um', '1INCHUSDT'), '1INCH USDT perpetual 1')
  assert.equal(brief('um', 'BTCUSDT_260925'), 'BTC USDT delivery 1')
  assert.equal(brief('um', 'CVCUSDTSETTLED'), 'CVC USDT settled 1')
  assert.equal(brief('cm', 'BTCUSD_PERP'), 'BTC USD perpetual 1')
  assert.equal(brief('cm', 'BTCUSD_250627'), 'BTC USD delivery 1')
  assert.equal(brief('option', 'BTCBVOLUSDT'), 'BTCBVOL USDT option 1')
  assert.equal(brief('spot', 'XYZ'), 'XYZ  spot 1')
})

test('leveraged tokens and stable coin pairs are recognized, similar names are not', () => {
  const leveraged = ['BTCUPUSDT', 'ETHDOWNUSDT', 'EOSBULLUSDT', 'XRPBEARBUSD', 'JUPUSDT', 'SYRUPUSDT', 'UPUSDT', 'SUPERUSDT']
  assert.deepEqual(
    leveraged.filter((symbol) => splitSymbol('spot', symbol).isLeveraged),
    leveraged.slice(0, 4),
  )
  const stable = ['USDCUSDT', 'BUSDUSDT', 'EURUSDT', 'BTCUSDT', 'USDTTRY']
  assert.deepEqual(
    stable.filter((symbol) => splitSymbol('spot', symbol).isStablePair),
    stable.slice(0, 3),
  )
})
