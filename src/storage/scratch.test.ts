import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
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
