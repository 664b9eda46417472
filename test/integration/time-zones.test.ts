import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { READERS_PYTHON } from '../../scripts/readers.ts'
import { barKeySql, barStartSql, nextBarSql, parseTimeRule } from '../../src/gold/bars/bar-rule.ts'
import { DuckDBSession } from '../../src/platform/duckdb/session.ts'
import { temporaryFolder } from '../support/folders.ts'

/**
 * For every zone of Python's database, the days around each change of its clocks in thirty years: the first instant at which clocks show the day, found quarter by
 * quarter of an hour. Days that a zone has skipped are left out.
 */
const DAYS = `
import datetime as dt, json, sys, zoneinfo
UTC = dt.timezone.utc
epoch = dt.datetime(1970, 1, 1)
step = dt.timedelta(minutes=15)
out = {}
for name in sorted(zoneinfo.available_timezones()):
    # Versions of the database differ in what these old names mean.
    if name in ('localtime', 'Factory', 'WET', 'CET', 'MET', 'EET', 'EST', 'MST', 'HST', 'EST5EDT', 'CST6CDT', 'MST7MDT', 'PST8PDT') or name.startswith(('posix/', 'right/')): continue
    zone = zoneinfo.ZoneInfo(name)
    days, before = set(), None
    at = dt.datetime(1995, 1, 1, tzinfo=UTC)
    while at < dt.datetime(2025, 1, 1, tzinfo=UTC):
        offset = at.astimezone(zone).utcoffset()
        if before is not None and offset != before:
            day = at.astimezone(zone).date()
            days.update(day + dt.timedelta(days=n) for n in (-1, 0, 1))
        before = offset
        at += dt.timedelta(days=1)
    found = []
    for day in sorted(days):
        midnight = dt.datetime(day.year, day.month, day.day)
        guess = midnight.replace(tzinfo=zone).astimezone(UTC) - dt.timedelta(hours=4)
        t = guess
        while t.astimezone(zone).replace(tzinfo=None) < midnight: t += step
        if t.astimezone(zone).date() == day: found.append([int((midnight - epoch).total_seconds()), int(t.timestamp())])
    if found: out[name] = found
json.dump(out, sys.stdout)
`

test('days of every time zone begin when their clocks first show midnight, or skip it, over thirty years', async (context) => {
  const zones = JSON.parse(execFileSync(READERS_PYTHON, ['-c', DAYS], { encoding: 'utf8', maxBuffer: 1 << 28 })) as Record<
    string,
    [number, number][]
  >
  const session = await DuckDBSession.open({ threads: 2, memoryLimitMb: 500, temporaryDirectory: await temporaryFolder(context) })
  let [days, unknown] = [0, 0]
  for (const [zone, found] of Object.entries(zones)) {
    let rule: ReturnType<typeof parseTimeRule>
    try {
      rule = parseTimeRule('1d', undefined, zone)
    } catch {
      unknown++
      continue
    }
    const values = found.map(([local, start]) => `(${local}000000::BIGINT, ${start}000000::BIGINT)`)
    // The key of the first instant of a day and of the one before it tell on which side of midnight they are.
    const wrong = await session.rows(`SELECT local, start FROM (VALUES ${values.join(', ')}) AS v(local, start)
      WHERE ${barStartSql(rule, 'local')} <> start OR ${barKeySql(rule, 'make_timestamptz(start)')} <> local OR ${barKeySql(rule, 'make_timestamptz(start - 1)')} >= local
        OR ${nextBarSql(rule, 'epoch_us(make_timestamp(local) - INTERVAL 1 DAY)')} <> start`)
    assert.deepEqual(wrong, [], zone)
    days += found.length
  }
  session.close()
  assert.ok(
    Object.keys(zones).length > 300 && days > 20_000 && unknown < 20,
    `${Object.keys(zones).length} zones, ${days} days, ${unknown} unknown`,
  )
})

for (const [zone, hours] of [
  ['+08:00', 8],
  ['-03:30', -3.5],
  ['+0545', 5.75],
  ['UTC+8', 8],
  ['GMT-5', -5],
] as const)
  test(`days of ${zone} begin at ${hours} hours before midnight of UTC`, () => {
    assert.deepEqual(parseTimeRule('1d', undefined, zone), { unit: 'day', zone: 'UTC', offsetUs: -hours * 3_600_000_000 })
    assert.deepEqual(parseTimeRule('1w', '1h', zone), { unit: 'week', zone: 'UTC', offsetUs: (1 - hours) * 3_600_000_000 })
  })

test('an offset that no place has is refused, as an unknown zone is', () => {
  for (const zone of ['+25:00', '+08:99', 'Mars/Base', 'UTC+'])
    assert.throws(() => parseTimeRule('1d', undefined, zone), { code: 'USAGE', message: /an offset such as \+08:00/ }, zone)
})
