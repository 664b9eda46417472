import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../support/folders.ts'

const FOLDER = join(import.meta.dirname, '../../examples')

/** What each example is started with, below a folder of the test, and what it prints. */
const EXAMPLES: Readonly<Record<string, { readonly args: readonly string[]; readonly prints: RegExp }>> = {
  'store-and-query.ts': { args: ['lake'], prints: /^2 rows are in silver.spot_signals\nsymbol,score\nBTCUSDT,0.7\n$/ },
  'copy-a-folder.ts': { args: ['from', 'to', 'state'], prints: /^1 copied, 0 there already\n$/ },
}

test('every example runs and prints what it says', async (context) => {
  const folder = await temporaryFolder(context)
  await mkdir(join(folder, 'from'))
  await writeFile(join(folder, 'from', 'x'), 'x')
  assert.deepEqual((await readdir(FOLDER)).toSorted(), Object.keys(EXAMPLES).toSorted())
  for (const [name, { args, prints }] of Object.entries(EXAMPLES)) {
    const { stdout } = await promisify(execFile)(process.execPath, [join(FOLDER, name), ...args], { cwd: folder })
    assert.match(stdout, prints, name)
  }
})
