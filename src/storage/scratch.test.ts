import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/folders.ts'
import { makeScratch } from './scratch.ts'
import { thisWriter } from './temporary.ts'

test('folders of processes that were killed go, those of processes at work stay', async () => {
  const own = await makeScratch()
  const dead = join(dirname(own), `.tmp-${thisWriter().place}-4194300-1-left`)
  await mkdir(dead)
  const program = `import { makeScratch } from ${JSON.stringify(join(import.meta.dirname, 'scratch.ts'))}; console.log(await makeScratch())`
  const other = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim()
  assert.deepEqual([existsSync(dead), existsSync(own), existsSync(other)], [false, true, true])
  // The other process has ended without removing its folder.
  execFileSync(process.execPath, ['--input-type=module', '-e', program])
  assert.deepEqual([existsSync(own), existsSync(other)], [true, false])
  await rm(own, { recursive: true })
})

const PROGRAM = `import { makeScratch } from ${JSON.stringify(join(import.meta.dirname, 'scratch.ts'))}; console.log(await makeScratch())`

function scratchIn(TMPDIR: string): string {
  const args = ['--input-type=module', '-e', PROGRAM]
  return execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, TMPDIR } }).trim()
}

test('a link at the place of the scratch folder is not followed, and what it leads to stays', async (context) => {
  const folder = await temporaryFolder(context)
  const name = `crypto-lakehouse-${process.getuid?.()}`
  await mkdir(join(folder, 'precious/.tmp-dead'), { recursive: true })
  await writeFile(join(folder, 'precious/a.txt'), 'keep')
  await symlink(join(folder, 'precious'), join(folder, name))
  const made = scratchIn(folder)
  assert.ok(!made.startsWith(`${join(folder, name)}/`))
  assert.deepEqual((await readdir(join(folder, 'precious'))).sort(), ['.tmp-dead', 'a.txt'])
})

test('only folders that are named as ours and whose writer is dead are removed', async (context) => {
  const folder = await temporaryFolder(context)
  const root = join(folder, `crypto-lakehouse-${process.getuid?.()}`)
  const dead = `.tmp-${thisWriter().place}-4194300-1-aabbccddeeff`
  for (const name of ['notes', '.tmp-notes', dead]) await mkdir(join(root, name, 'deep'), { recursive: true })
  await writeFile(join(root, 'a.txt'), 'keep')
  await mkdir(join(folder, 'elsewhere'))
  const linked = `.tmp-${thisWriter().place}-4194300-1-ffeeddccbbaa`
  await symlink(join(folder, 'elsewhere'), join(root, linked))
  const made = scratchIn(folder)
  assert.equal(dirname(made), root)
  assert.deepEqual(
    (await readdir(root)).filter((name) => name !== made.slice(root.length + 1)).sort(),
    ['.tmp-notes', linked, 'a.txt', 'notes'].sort(),
  )
  assert.ok(existsSync(join(folder, 'elsewhere')))
})
