import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nothingObserved, type Observed } from '../../src/silver/quality/anomalies/detector.ts'
import { scoreOf } from '../../src/silver/quality/anomalies/isolation-forest.ts'
import { DETECTORS } from '../../src/silver/quality/anomalies/registry.ts'
import { RollingWindow } from '../../src/silver/quality/anomalies/rolling.ts'
import { Random } from '../../src/simulator/random.ts'
import { cleanRows, injectAnomalies } from '../support/injected.ts'

const medianOf = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

test('the rolling median and deviation are those of the last values, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      (values, length) => {
        const window = new RollingWindow(length)
        for (const [index, value] of values.entries()) {
          window.push(value)
          const last = values.slice(Math.max(0, index + 1 - length), index + 1)
          const median = medianOf(last)
          assert.equal(window.median(), median)
          const deviations = last.map((one) => Math.abs(one - median)).sort((a, b) => a - b)
          const mad = deviations[last.length >> 1] ?? 0
          const expected = mad > 0 ? 1.4826 * mad : (1.2533 * deviations.reduce((sum, one) => sum + one, 0)) / last.length
          assert.ok(Math.abs(window.scale() - expected) < 1e-12)
        }
      },
    ),
  )
})

test('events are found where they are, and little else is: recall of 0.95 and precision of 0.9 at least', () => {
  for (const { detector, injected, found, others } of injectAnomalies('test', 60)) {
    assert.ok(found / injected >= 0.95, `${detector} found ${found} of ${injected}`)
    assert.ok(found / (found + others) >= 0.9, `${detector}: ${others} beside ${found}`)
  }
})

const scores = (detector: (typeof DETECTORS)[number], bars: readonly Observed[]) => {
  const judge = detector.create()
  return bars.map((bar) => judge(bar))
}

test('what is said of a bar does not change with what comes later, and is the same again', () => {
  for (const detector of DETECTORS) {
    const bars = cleanRows(detector.sees, new Random('ahead'), 1400)
    for (const bar of bars.slice(700)) {
      bar.volume *= bar.time % 97 === 0 ? 500 : 1
      bar.price *= bar.time % 97 === 0 ? 1.5 : 1
      bar.ask *= bar.time % 97 === 0 ? 1.5 : 1
    }
    const all = scores(detector, bars)
    assert.deepEqual(scores(detector, bars.slice(0, 1000)), all.slice(0, 1000), detector.id)
    const shuffled = [...bars.slice(0, 1000), ...cleanRows(detector.sees, new Random('other'), 400)]
    assert.deepEqual(scores(detector, shuffled).slice(0, 1000), all.slice(0, 1000), detector.id)
  }
})

test('flat prices, bars without trades, short histories and zeros end in no score and no error', () => {
  const flat = Array.from({ length: 900 }, (_, time) => ({
    ...nothingObserved(),
    time,
    price: 5,
    bid: 5,
    ask: 5,
    open: 5,
    high: 5,
    low: 5,
    close: 5,
    volume: 7,
    takerVolume: 3,
    tradeCount: 2,
  }))
  const silent = flat.map((bar) => ({ ...bar, volume: 0, takerVolume: 0, tradeCount: 0 }))
  const zero = flat.map((bar) => ({ ...bar, open: 0, high: 0, low: 0, close: 0, price: 0, bid: 0, ask: 0 }))
  for (const detector of DETECTORS)
    for (const bars of [flat, silent, zero, flat.slice(0, 1)])
      assert.ok(
        scores(detector, bars).every((score) => score === undefined),
        detector.id,
      )
})

test('an isolation forest says which features a hit is made of, and gives the same score when it is read back', () => {
  const bars = cleanRows('traded bars', new Random('forest'), 1400)
  const odd = bars[1300]
  if (odd !== undefined)
    Object.assign(odd, {
      high: odd.close * 1.02,
      low: odd.close * 0.98,
      volume: odd.volume * 60,
      takerVolume: odd.volume * 59,
      tradeCount: 3,
    })
  const judge = DETECTORS.find(({ id }) => id === 'isolation_forest')?.create()
  const hits = bars.flatMap((bar, index) => {
    const score = judge?.(bar)
    return score === undefined ? [] : [{ index, score, because: judge?.explain?.() ?? '' }]
  })
  const hit = hits.find(({ index }) => index === 1300)
  assert.match(hit?.because ?? '', /range \d+ %.*trade size \d+ %|trade size \d+ %.*range \d+ %/)
  const model = judge?.model?.()
  assert.equal(model?.rows, 1024)
  const { volume = 0, takerVolume = 0, tradeCount = 0, close = 0, open = 0, high = 0, low = 0 } = odd ?? {}
  const before = bars[1299]?.close ?? 0
  const features = [
    Math.abs(Math.log(close / before)),
    Math.log(high / low),
    Math.log(volume),
    Math.abs(takerVolume / volume - 0.5),
    Math.log(volume / tradeCount),
    Math.abs(Math.log(open / before)),
  ]
  assert.equal(scoreOf(model?.json ?? '', features), hit?.score)
})
