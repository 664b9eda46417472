import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asTyped, programName } from './program.ts'

test('a clone is called by its launcher: relative below the folder, absolute elsewhere', () => {
  for (const module of ['/home/me/clone/src/cli', '/home/me/clone/.cache/bundles/abc/parts', '/home/me/clone/.cache/bundles/abc']) {
    assert.equal(programName(module, '/home/me/clone', {}), 'bin/crypto-lakehouse')
    assert.equal(programName(module, '/home/me', {}), 'clone/bin/crypto-lakehouse')
    assert.equal(programName(module, '/tmp', {}), '/home/me/clone/bin/crypto-lakehouse')
  }
})

test('an installed package is called by its name, or through npx when npx started it', () => {
  const module = '/usr/lib/node_modules/crypto-lakehouse/dist/bin'
  assert.equal(programName(module, '/tmp', {}), 'crypto-lakehouse')
  assert.equal(programName(module, '/tmp', { npm_command: 'exec' }), 'npx crypto-lakehouse')
})

test('commands in a text become runnable as printed; the rest of the text stays', () => {
  const text = 'See `crypto-lakehouse help`. crypto-lakehouse 0.1.0 lives in /opt/crypto-lakehouse here.'
  assert.equal(asTyped(text, 'bin/crypto-lakehouse'), text.replace('`crypto', '`bin/crypto'))
})
