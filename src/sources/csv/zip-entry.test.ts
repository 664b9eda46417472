import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folders.ts'
import { zipMany, zipOne } from '../../platform/zip-writer.ts'
import { ZipReader } from './zip-entry.ts'

const CONTENT = Buffer.from('1,2,3\n'.repeat(50_000))

async function read(folder: string, zip: Buffer, bound = 1e9): Promise<Buffer> {
  const path = join(folder, 'x.zip')
  await writeFile(path, zip)
  const zips = new ZipReader()
  const file = zips.openFile(path)
  try {
    const entry = zips.openEntry(file, 'x.zip', bound)
    const blocks: Buffer[] = []
    for (let block = entry.next(); block !== undefined; block = entry.next()) blocks.push(Buffer.from(block))
    return Buffer.concat(blocks)
  } finally {
    file.close()
  }
}

test('the only entry is read completely', async (context) => {
  const folder = await temporaryFolder(context)
  assert.deepEqual(await read(folder, zipOne('x.csv', CONTENT)), CONTENT)
  assert.deepEqual(await read(folder, zipOne('x.csv', Buffer.alloc(0))), Buffer.alloc(0))
})

test('an entry of many megabytes comes in blocks', async (context) => {
  const folder = await temporaryFolder(context)
  const big = Buffer.from(Array.from({ length: 1 << 21 }, (_, n) => `${1704067200000 + n * 7919},${n % 9973}\n`).join(''))
  const path = join(folder, 'x.zip')
  await writeFile(path, zipOne('x.csv', big))
  const zips = new ZipReader()
  const file = zips.openFile(path)
  const entry = zips.openEntry(file, 'x.zip', 1e9)
  let total = 0
  let largest = 0
  for (let block = entry.next(); block !== undefined; block = entry.next()) {
    total += block.length
    largest = Math.max(largest, block.length)
  }
  file.close()
  assert.equal(total, big.length)
  assert.ok(largest <= 1 << 20, `${largest}`)
})

test('zips with several entries, unsafe paths, encryption or excess bytes are refused', async (context) => {
  const folder = await temporaryFolder(context)
  const refused = { code: 'ZIP_REFUSED' }
  const two = zipMany([
    { name: 'a.csv', content: CONTENT },
    { name: 'b.csv', content: CONTENT },
  ])
  await assert.rejects(read(folder, two), refused)
  await assert.rejects(read(folder, zipMany([])), refused)
  for (const name of ['../x.csv', '/etc/x.csv', 'a/../../x.csv', 'C:\\x.csv', '..\\x.csv'])
    await assert.rejects(read(folder, zipOne(name, CONTENT)), refused, name)
  const encrypted = zipOne('x.csv', CONTENT)
  const directory = encrypted.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'))
  encrypted.writeUInt16LE(1, directory + 8)
  await assert.rejects(read(folder, encrypted), refused)
  await assert.rejects(read(folder, zipOne('x.csv', CONTENT), 1000), { ...refused, message: /more than the bound/ })
})

test('an entry with more or fewer bytes than its stated size is invalid', async (context) => {
  const folder = await temporaryFolder(context)
  for (const claim of [10, CONTENT.length - 1, CONTENT.length + 1]) {
    const zip = zipOne('x.csv', CONTENT)
    zip.writeUInt32LE(claim, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24)
    await assert.rejects(read(folder, zip), { code: 'ZIP_INVALID' }, String(claim))
  }
})

test('every truncation and every flipped bit is detected or harmless', async (context) => {
  const folder = await temporaryFolder(context)
  const content = Buffer.from('1704067200000,1.5,2.5\n'.repeat(40))
  const good = zipOne('x.csv', content)
  for (let length = 0; length < good.length; length += 7)
    await assert.rejects(read(folder, good.subarray(0, length)), /cannot read the zip|refused/)
  for (let at = 0; at < good.length; at += 3) {
    const bytes = Buffer.from(good)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    try {
      assert.deepEqual(await read(folder, bytes), content, `bit ${at}`)
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && ['ZIP_INVALID', 'ZIP_REFUSED'].includes(String(error.code)), `${at}: ${error}`)
    }
  }
})
