import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Random } from '../../simulator/random.ts'
import type { ObservedBar } from '../../src/silver/anomalies/detector.ts'
import { DETECTORS } from '../../src/silver/anomalies/registry.ts'
import { RollingWindow } from '../../src/silver/anomalies/rolling.ts'
import { cleanBars, injectAnomalies } from '../support/injected.ts'

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

const scores = (detector: (typeof DETECTORS)[number], bars: readonly ObservedBar[]) => {
  const judge = detector.create()
  return bars.map((bar) => judge(bar))
}

test('what is said of a bar does not change with what comes later, and is the same again', () => {
  const bars = cleanBars(new Random('ahead'), 1400)
  for (const bar of bars.slice(700)) bar.volume *= bar.time % 97 === 0 ? 500 : 1
  for (const detector of DETECTORS) {
    const all = scores(detector, bars)
    assert.deepEqual(scores(detector, bars.slice(0, 1000)), all.slice(0, 1000), detector.id)
    const shuffled = [...bars.slice(0, 1000), ...cleanBars(new Random('other'), 400)]
    assert.deepEqual(scores(detector, shuffled).slice(0, 1000), all.slice(0, 1000), detector.id)
  }
})

test('flat prices, bars without trades, short histories and zeros end in no score and no error', () => {
  const flat = Array.from({ length: 900 }, (_, time) => ({
    time,
    open: 5,
    high: 5,
    low: 5,
    close: 5,
    volume: 7,
    takerVolume: 3,
    tradeCount: 2,
  }))
  const silent = flat.map((bar) => ({ ...bar, volume: 0, takerVolume: 0, tradeCount: 0 }))
  const zero = flat.map((bar) => ({ ...bar, open: 0, high: 0, low: 0, close: 0 }))
  for (const detector of DETECTORS)
    for (const bars of [flat, silent, zero, flat.slice(0, 1)])
      assert.ok(
        scores(detector, bars).every((score) => score === undefined),
        detector.id,
      )
})
