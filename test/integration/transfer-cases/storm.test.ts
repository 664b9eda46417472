import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FaultRule } from '../../../src/simulator/faults.ts'
import { KEYS, situation } from '../../support/faulty.ts'
import { type S3Server, startVersity } from '../../support/s3-server.ts'

let server: S3Server
before(async () => {
  server = await startVersity()
})
after(() => server.close())

for (const engine of ['server-copy', 'relay', 'traditional'] as const) {
  test(`STORM by ${engine}: faults of every kind do not change the result`, async (context) => {
    const faults: FaultRule[] = [
      { fault: { kind: 'status', status: 503 }, match: /^(Copy|Get|Put|List)/, probability: 0.05 },
      { fault: { kind: 'status', status: 500 }, match: /^(Copy|Get|Put)/, probability: 0.02 },
      { fault: { kind: 'reset' }, match: /^(Copy|Get|Put|List)/, probability: 0.02 },
      { fault: { kind: 'lost' }, match: /^(Copy|Put)/, probability: 0.02 },
      { fault: { kind: 'error-body', code: 'InternalError' }, match: /^Copy/, probability: 0.03 },
      { fault: { kind: 'cut' }, match: /^(Copy|List)/, probability: 0.02 },
      { fault: { kind: 'short' }, match: /^Get/, probability: 0.03 },
      { fault: { kind: 'stall' }, match: /^(Copy|Get|Put)/, probability: 0.005 },
    ]
    const here = await situation(context, server, { faults })
    const { errors, counts, efficiency } = await here.sync({ engine, settings: { attempts: 8, idleTimeoutMs: 400 } })
    assert.deepEqual([errors, counts.objectsCopied], [[], KEYS.length])
    assert.ok(efficiency.retries > 5)
    await here.assertSame()
  })
}
