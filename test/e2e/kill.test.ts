import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../support/folders.ts'
import { killRounds } from '../support/kill.ts'

test('an ingestion that is killed at any moment ends, after a rerun, in the lake that was never killed', async (context) => {
  const { hits } = await killRounds(await temporaryFolder(context), 5, 'test')
  assert.ok(hits >= 2, `${hits} of 5 kills hit a running ingestion`)
})
