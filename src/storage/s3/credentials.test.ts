import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cachedCredentials, credentialChain } from './credentials.ts'

test('temporary credentials are fetched once, and again shortly before they expire or when they are refused', async () => {
  let now = Date.UTC(2024, 0, 1)
  let fetched = 0
  const source = cachedCredentials(
    async () => ({ accessKeyId: `key ${++fetched}`, secretAccessKey: 's', expiration: new Date(now + 3_600_000) }),
    () => now,
  )
  const keys = await Promise.all([source.get(), source.get()])
  assert.deepEqual(new Set(keys.map(({ accessKeyId }) => accessKeyId)), new Set(['key 1']))
  now += 3_000_000
  assert.equal((await source.get()).accessKeyId, 'key 1')
  now += 500_000
  assert.equal((await source.get()).accessKeyId, 'key 2')
  source.forget()
  assert.equal((await source.get()).accessKeyId, 'key 3')
})

test('a chain that finds nothing says so, and is asked again the next time', async () => {
  let tries = 0
  const source = cachedCredentials(
    async () => {
      if (tries++ === 0) throw new Error('no providers')
      return { accessKeyId: 'a', secretAccessKey: 's' }
    },
    () => 0,
  )
  await assert.rejects(source.get(), { code: 'CREDENTIALS_INVALID' })
  assert.equal((await source.get()).accessKeyId, 'a')
})

test('keys of the environment are taken as they are', async () => {
  const source = credentialChain(undefined, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' }, () => 0)
  assert.deepEqual(await source.get(), { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' })
})
