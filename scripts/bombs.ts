// Runs every statement of the corpus that asks for more than a query may have, with and without an output file, and prints how each ended: npm run test:bombs
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asLakehouseError } from '../src/core/errors.ts'
import { emptyLake } from '../test/support/empty-lake.ts'
import { BOMBS } from '../test/support/hostile-sql.ts'
import { openLakehouse } from '../test/support/lakehouse.ts'

const BOUNDS = { timeoutMs: 5000, memoryMb: 768, spillMb: 1024 }

/** The bound of time, and what ending takes. */
const LATEST_MS = BOUNDS.timeoutMs + 2500

const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-bombs-'))
const lake = join(folder, 'lake')
await emptyLake(lake)
const lakehouse = openLakehouse({ lake, archive: lake })
let [passed, failed] = [0, 0]
for (const [index, sql] of BOMBS.entries())
  for (const output of [undefined, join(folder, 'o.csv')]) {
    const started = performance.now()
    const asked = { sql, asOf: undefined, layer: undefined, bounds: BOUNDS }
    const outcome = await lakehouse
      .queryIsolated(output === undefined ? { ...asked, result: 'rows', output } : { ...asked, result: 'csv', output })
      .then(
        () => 'answered',
        (error: unknown) => `${asLakehouseError(error).code} ${asLakehouseError(error).message.split('\n')[0]}`,
      )
    const elapsedMs = performance.now() - started
    const next = await lakehouse.show('SELECT 1 AS one')
    const isRight = elapsedMs < LATEST_MS && next.length === 1 && /^(answered|QUERY_LIMIT|QUERY_FAILED|SQL_INVALID)/.test(outcome)
    if (isRight) passed++
    else failed++
    if (output !== undefined) await rm(output, { force: true })
    const line = `${isRight ? '✔' : '✖'} ${String(index + 1).padStart(2)} ${output === undefined ? 'rows' : 'file'} ${(elapsedMs / 1000).toFixed(1).padStart(5)} s  ${outcome.slice(0, 60).padEnd(60)}  ${sql.slice(0, 70)}`
    process.stdout.write(`${line}\n`)
  }
process.stdout.write(
  `\nleft behind: ${(await readdir(folder)).filter((name) => name !== 'lake').join(', ') || 'nothing'}\n${passed} passed, ${failed} failed\n`,
)
await rm(folder, { recursive: true, force: true })
process.exitCode = failed === 0 ? 0 : 1
