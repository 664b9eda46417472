import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

const RUNS = 15

/** The least CPU time of several runs of a command, ms. Throws when the command fails. */
function leastCpu(command: readonly string[]): number {
  const script = 'TIMEFORMAT="%U %S"; time "$@" > /dev/null'
  const times = Array.from({ length: RUNS }, () => {
    const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' })
    const found = /(\d+[.,]\d+) (\d+[.,]\d+)\s*$/.exec(stderr)
    if (status !== 0 || found === null) throw new Error(`${command.join(' ')} failed: ${stderr}`)
    return (Number(found[1]?.replace(',', '.')) + Number(found[2]?.replace(',', '.'))) * 1000
  })
  return Math.min(...times)
}

/** Measures the cost of a start: bare Node, launcher with bundle, package, and sources; and the parts of a query. */
export async function benchStartup(cache: string): Promise<void> {
  const lake = join(cache, 'startup-lake')
  const launcher = join(ROOT, 'bin/crypto-lakehouse')
  const packaged = join(cache, 'startup-package')
  execFileSync(launcher, ['demo', '--simulated', '--lake', lake, '--quiet'], { stdio: 'ignore' })
  execFileSync(process.execPath, [join(ROOT, 'bootstrap/bundle.mjs'), packaged])
  const node = process.execPath
  const query = ['query', 'SELECT 1', '--lake', lake]
  const bindings = join(ROOT, 'node_modules/@duckdb/node-bindings')
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ['node -e 0', [node, '-e', '0']],
    ['version, clone', [launcher, 'version']],
    ['version, package', [node, join(packaged, 'main.js'), 'version']],
    ['version, sources', [node, join(ROOT, 'src/cli/main.ts'), 'version']],
    ["query 'SELECT 1', clone", [launcher, ...query]],
    ["query 'SELECT 1', package", [node, join(packaged, 'main.js'), ...query]],
    ["query 'SELECT 1', sources", [node, join(ROOT, 'src/cli/main.ts'), ...query]],
    ['the engine’s binary alone', [node, '-e', `require(${JSON.stringify(bindings)})`]],
    [
      'the engine, opened and queried',
      [node, '-e', ENGINE.replace('BINDINGS', JSON.stringify(join(ROOT, 'node_modules/@duckdb/node-api')))],
    ],
  ]
  const bare = leastCpu(ways[0]?.[1] ?? [])
  process.stdout.write(`least CPU of ${RUNS} runs, ms\n`)
  for (const [name, command] of ways) {
    const ms = leastCpu(command)
    process.stdout.write(`${name.padEnd(30)} ${ms.toFixed(0).padStart(5)}   over bare Node ${(ms - bare).toFixed(0).padStart(5)}\n`)
  }
}

const ENGINE = `const { DuckDBInstance } = require(BINDINGS); (async () => { const c = await (await DuckDBInstance.create(':memory:')).connect(); await c.run('SELECT 1') })()`
