import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyFor } from './proxy.ts'

const PROXIES = { HTTPS_PROXY: 'http://p:3128', HTTP_PROXY: 'http://q' }

test('the variable for the protocol names the proxy, small letters first, then the one for all', () => {
  assert.deepEqual(proxyFor(true, 's3.amazonaws.com', 443, PROXIES), { host: 'p', port: 3128, authorization: undefined })
  assert.deepEqual(proxyFor(false, 'example.com', 80, PROXIES), { host: 'q', port: 80, authorization: undefined })
  assert.equal(proxyFor(true, 'a.b', 443, { ...PROXIES, https_proxy: 'small:1' })?.host, 'small')
  assert.equal(proxyFor(true, 'a.b', 443, { ALL_PROXY: 'http://[::1]:8080' })?.host, '::1')
  assert.equal(proxyFor(true, 'a.b', 443, { HTTPS_PROXY: '' }), undefined)
  assert.equal(proxyFor(true, 'a.b', 443, {}), undefined)
})

test('a name and password of the proxy become its authorization', () => {
  const proxy = proxyFor(true, 'a.b', 443, { HTTPS_PROXY: 'http://me:s%40cret@p' })
  assert.equal(proxy?.authorization, `Basic ${Buffer.from('me:s@cret').toString('base64')}`)
})

for (const [none, host, isExempt] of [
  ['*', 'a.b', true],
  ['b.com', 'b.com', true],
  ['b.com', 'a.b.com', true],
  ['.b.com', 'a.b.com', true],
  ['*.b.com', 'a.b.com', true],
  ['b.com', 'ab.com', false],
  ['x.org, b.com', 'B.com', true],
  ['b.com:443', 'b.com', true],
  ['b.com:8443', 'b.com', false],
  ['', 'b.com', false],
] as const)
  test(`NO_PROXY=${none} ${isExempt ? 'exempts' : 'does not exempt'} ${host}`, () => {
    assert.equal(proxyFor(true, host, 443, { ...PROXIES, NO_PROXY: none }) === undefined, isExempt)
  })

test('this machine is reached directly', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1', 'a.localhost'])
    assert.equal(proxyFor(false, host, 80, PROXIES), undefined)
})

test('a proxy that does not speak plain http is refused by the name of its variable', () => {
  for (const address of ['socks5://p:1080', 'https://p', 'http://'])
    assert.throws(() => proxyFor(true, 'a.b', 443, { HTTPS_PROXY: address }), {
      code: 'CONFIG_INVALID',
      message: /HTTPS_PROXY: write http:\/\/HOST:PORT/,
    })
})
