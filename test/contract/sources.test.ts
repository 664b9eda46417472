import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import type { ArchiveFile, Source } from '../../src/sources/contract.ts'
import { withSecondExchange } from '../support/second-exchange.ts'

// A copy of the product with the exchange that only the tests have: what holds for one exchange is to hold for the next.
const root = await mkdtemp(join(tmpdir(), 'sources-'))
after(() => rm(root, { recursive: true }))
const folder = join(dirname(await withSecondExchange(root)), '../sources')
const { SOURCES } = (await import(join(folder, 'registry.ts'))) as { SOURCES: readonly Source[] }

function* filesOf(source: Source): Generator<ArchiveFile> {
  for (const { market, dataset, archive } of source.offers)
    for (const [period, intervals] of Object.entries(archive.periods) as ['daily' | 'monthly', readonly [] | readonly ['1m']][]) {
      const symbol = source.markets[market]?.example ?? assert.fail(market)
      const date = period === 'daily' ? '2024-01-02' : '2024-01'
      for (const interval of intervals.length === 0 ? [undefined] : intervals)
        yield { exchange: source.id, market, dataset, symbol, interval, period, date }
    }
}

for (const source of SOURCES) {
  const { id, markets, symbols, offers, archive } = source

  test(`${id}: its folder has the rooms that every exchange has, its id fits into names`, () => {
    for (const room of ['index.ts', 'markets.ts', 'symbols.ts', 'offers.ts', 'archive']) assert.ok(existsSync(join(folder, id, room)), room)
    assert.match(id, /^[a-z][a-z0-9]*$/)
    for (const market of Object.keys(markets)) assert.match(market, /^[a-z][a-z0-9]*$/)
    assert.ok(archive.root.endsWith('/'))
  })

  test(`${id}: what is offered is of its markets, once each`, () => {
    for (const { market } of offers) assert.ok(Object.hasOwn(markets, market), market)
    const names = offers.map(({ market, dataset }) => `${market} ${dataset}`)
    assert.equal(new Set(names).size, names.length)
  })

  test(`${id}: a key parses back to its file, and is in the folders of its series and type`, () => {
    for (const file of filesOf(source)) {
      const key = archive.fileKey(file)
      assert.deepEqual(archive.parseKey(key), file)
      const series = archive.seriesPrefix(file, file.period)
      const type = archive.typePrefix(file.market, file.period, file.dataset)
      assert.ok(key.startsWith(series) && series.startsWith(type) && type.startsWith(archive.root), key)
      assert.ok(series.slice(type.length).startsWith(`${file.symbol}/`), series)
      assert.equal(archive.checksumOf(archive.checksumKey(key)), key)
      assert.equal(archive.checksumOf(key), undefined)
    }
  })

  test(`${id}: a key that does not follow the grammar is refused`, () => {
    for (const key of ['', 'x', archive.root, `${archive.root}a/b/c.zip`, '../etc/passwd'])
      assert.throws(() => archive.parseKey(key), { code: 'ARCHIVE_KEY_INVALID' }, key)
  })

  test(`${id}: symbols are split into base and quote; symbol ranges are in order`, () => {
    for (const [market, { example: symbol }] of Object.entries(markets)) {
      assert.ok(symbols.accepts(symbol), symbol)
      const { base } = symbols.split(market, symbol)
      assert.ok(base.length > 0 && symbol.startsWith(base), symbol)
    }
    assert.ok(!symbols.accepts('') && !symbols.accepts('a/b'))
    assert.equal(symbols.ranges[0], '')
    assert.deepEqual([...symbols.ranges].sort(), symbols.ranges)
  })

  test(`${id}: a checksum file that holds no digest is refused`, () => {
    assert.throws(() => archive.parseChecksum(Buffer.from('nonsense'), 'file.zip'), { code: 'CHECKSUM_FILE_INVALID' })
  })
}
