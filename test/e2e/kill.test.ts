import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../support/folders.ts'
import { killRounds } from '../support/kill.ts'

test('a killed and repeated ingestion gives the same lake as one without a kill', async (context) => {
  const { hits } = await killRounds(await temporaryFolder(context), 5, 'test')
  assert.ok(hits >= 2, `${hits} of 5 kills hit a running ingestion`)
})
