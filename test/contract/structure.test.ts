import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cruise, type ICruiseResult } from 'dependency-cruiser'

const root = join(import.meta.dirname, '../..')

/** Folders of src in reading order: an entry may import only entries before it. */
const ORDER = [
  'core',
  'platform',
  'storage',
  'transfer',
  'datasets',
  'sources',
  'lake',
  'bronze',
  'silver',
  'gold',
  'query',
  'pages',
  'flows',
  'config',
  'lakehouse',
  'specification',
  'simulator',
  'serve',
  'cli',
  'index.ts',
]

async function modules() {
  const result = await cruise([join(root, 'src')], {
    baseDir: root,
    tsPreCompilationDeps: true,
    exclude: { path: '\\.test\\.ts$' },
    doNotFollow: { path: 'node_modules' },
    ruleSet: { forbidden: [{ name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } }] },
    validate: true,
  })
  return result.output as ICruiseResult
}

test('no import cycle, and folders import only what stands before them', async () => {
  const { summary, modules: found } = await modules()
  const sources = found.filter((module) => module.source.startsWith('src/'))
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  assert.equal(sources.length, files.length, 'the check must see every file')
  assert.deepEqual(summary.violations, [])
  const wrong: string[] = []
  for (const { source, dependencies } of sources) {
    for (const { resolved } of dependencies) {
      if (!resolved.startsWith('src/')) continue
      const [from, to] = [source, resolved].map((path) => ORDER.indexOf(path.split('/')[1] ?? ''))
      assert.ok(from !== undefined && to !== undefined && from >= 0 && to >= 0, `${source} or ${resolved} stands in no known folder`)
      if (to > from) wrong.push(`${source} → ${resolved}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('exchanges do not import each other', async () => {
  const { modules: found } = await modules()
  // What exchanges share stands beside their folders.
  const exchange = (path: string) => /^src\/sources\/(?!csv\/|origin\/)([^/]+)\//.exec(path)?.[1]
  for (const { source, dependencies } of found) {
    for (const { resolved } of dependencies) {
      const [from, to] = [exchange(source), exchange(resolved)]
      assert.ok(from === undefined || to === undefined || from === to, `${source} → ${resolved}`)
    }
  }
})

test('files hold at most 400 lines', () => {
  for (const file of globSync('{src,scripts,bootstrap,bench}/**/*.{ts,mjs}', { cwd: root })) {
    assert.ok(readFileSync(join(root, file), 'utf8').split('\n').length <= 401, `${file} is too long`)
  }
})
