import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { localStore } from '../../src/storage/local.ts'
import { compareKeys, type ObjectStore } from '../../src/storage/object-store.ts'
import { listUploads } from '../../src/storage/s3/operations.ts'
import { temporaryFolder } from '../support/folders.ts'
import { openS3, type S3Server, startVersity } from '../support/s3-server.ts'

/** A fresh store, and what is left in it besides its objects. */
type Fresh = { readonly store: ObjectStore; unfinished(): Promise<string[]> }

let server: S3Server | undefined
let buckets = 0
after(() => server?.close())

async function fresh(name: keyof typeof BACKENDS, context: TestContext): Promise<Fresh> {
  return await BACKENDS[name](context)
}

/** Every backend, by how a fresh store of it is made. */
const BACKENDS = {
  local: async (context: TestContext): Promise<Fresh> => {
    const folder = await temporaryFolder(context)
    return { store: localStore(folder), unfinished: async () => (await readdir(folder)).filter((name) => name.startsWith('.')) }
  },
  s3: async (): Promise<Fresh> => {
    server ??= await startVersity()
    const place = openS3(`${(await server.bucket(`contract-${buckets}`)).replace('?', '/under/it?')}`)
    buckets++
    const client = place.s3 ?? assert.fail()
    return { store: place.store, unfinished: async () => (await listUploads(client, '')).map(({ key }) => key) }
  },
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

for (const name of Object.keys(BACKENDS) as (keyof typeof BACKENDS)[]) {
  test(`${name}: what is put is got, whole, by range and in pieces, and head tells its size`, async (context) => {
    const { store } = await fresh(name, context)
    const info = await store.put('a/b/c.txt', Buffer.from('0123456789'))
    assert.equal(info.size, 10)
    assert.equal(text(await store.get('a/b/c.txt')), '0123456789')
    assert.equal(text(await store.get('a/b/c.txt', { start: 2, end: 5 })), '234')
    const pieces: Uint8Array[] = []
    for await (const piece of store.stream('a/b/c.txt')) pieces.push(piece)
    assert.equal(text(Buffer.concat(pieces)), '0123456789')
    assert.deepEqual(await store.head('a/b/c.txt'), info)
  })

  test(`${name}: a body may be a stream, and one that fails leaves nothing`, async (context) => {
    const { store, unfinished } = await fresh(name, context)
    async function* good() {
      yield Buffer.from('one ')
      yield Buffer.from('two')
    }
    async function* bad() {
      yield Buffer.from('half')
      throw new Error('broke off')
    }
    await store.put('good', good())
    assert.equal(text(await store.get('good')), 'one two')
    await assert.rejects(store.put('good', bad()), /broke off/)
    assert.equal(text(await store.get('good')), 'one two')
    await assert.rejects(store.put('new', bad()), /broke off/)
    assert.equal(await store.head('new'), undefined)
    assert.deepEqual(await keysOf(store, ''), ['good'])
    async function* bigAndBad() {
      for (let piece = 0; piece < 20; piece++) yield Buffer.alloc(1 << 20)
      throw new Error('broke off')
    }
    await assert.rejects(store.put('new', bigAndBad()), /broke off/)
    assert.deepEqual(await unfinished(), [])
  })

  test(`${name}: of many exclusive writers exactly one wins, and its bytes stay`, async (context) => {
    const { store } = await fresh(name, context)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, (_, n) => store.put('lock', Buffer.from(`writer ${n}`), { ifAbsent: true })),
    )
    const winners = outcomes.flatMap((outcome, n) => (outcome.status === 'fulfilled' ? [n] : []))
    assert.equal(winners.length, 1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') assert.equal((outcome.reason as { code: string }).code, 'OBJECT_EXISTS')
    assert.equal(text(await store.get('lock')), `writer ${winners[0]}`)
  })

  test(`${name}: an object that is not there is an error to read, undefined to ask for, nothing to delete`, async (context) => {
    const { store } = await fresh(name, context)
    await store.put('folder/object', Buffer.from('x'))
    for (const key of ['none', 'folder', 'folder/object/below']) {
      await assert.rejects(store.get(key), { code: 'OBJECT_NOT_FOUND' }, key)
      assert.equal(await store.head(key), undefined)
    }
    await assert.rejects(
      async () => {
        for await (const _ of store.stream('none'));
      },
      { code: 'OBJECT_NOT_FOUND' },
    )
    await store.delete('none')
    await store.delete('folder/object')
    assert.equal(await store.head('folder/object'), undefined)
  })

  test(`${name}: copies are independent of their source`, async (context) => {
    const { store } = await fresh(name, context)
    await store.put('a', Buffer.from('first'))
    await store.copy('a', 'deep/b')
    await store.put('a', Buffer.from('second'))
    assert.equal(text(await store.get('deep/b')), 'first')
    await assert.rejects(store.copy('none', 'c'), { code: 'OBJECT_NOT_FOUND' })
  })

  test(`${name}: keys that are none, or no path where objects are files, are refused`, async (context) => {
    const { store } = await fresh(name, context)
    const paths = ['/etc/passwd', '../x', 'a/../../x', 'a//b', 'a/', './a', 'a\\b']
    for (const key of ['', 'a\0b', ...(store.capabilities.localFiles ? paths : [])]) {
      await assert.rejects(async () => store.put(key, Buffer.from('x')), { code: 'OBJECT_KEY_INVALID' }, JSON.stringify(key))
      await assert.rejects(async () => store.get(key), { code: 'OBJECT_KEY_INVALID' }, JSON.stringify(key))
    }
  })

  test(`${name}: a listing holds exactly the keys with the prefix, in the order of their UTF-8 bytes`, async (context) => {
    const { store } = await fresh(name, context)
    const keys = ['a', 'a-b/1', 'a.b', 'ab/2', 'b/10', 'b/9', 'b/a/z', 'é', '币/安', '😀/x', '\uffee/y']
    for (const key of keys) await store.put(key, Buffer.from(key))
    assert.deepEqual(await keysOf(store, ''), [...keys].sort(compareKeys))
    for (const prefix of ['a', 'b/', 'b/1', '币', 'zz', 'b/a']) {
      assert.deepEqual(await keysOf(store, prefix), keys.filter((key) => key.startsWith(prefix)).sort(compareKeys), prefix)
    }
  })

  test(`${name}: a listing has the order of UTF-8 bytes, whatever the names`, async (context) => {
    const segment = fc.stringMatching(/^[a-c.\-0é币]{1,3}$/).filter((one) => one !== '.' && one !== '..')
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
          { maxLength: 12 },
        ),
        async (keys) => {
          const files = keys.filter((key) => !keys.some((other) => other.startsWith(`${key}/`)))
          const { store } = await fresh(name, context)
          for (const key of files) await store.put(key, Buffer.from('x'))
          assert.deepEqual(await keysOf(store, ''), files.sort(compareKeys))
        },
      ),
      { numRuns: name === 'local' ? 40 : 10 },
    )
  })
}
