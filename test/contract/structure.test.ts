import assert from 'node:assert/strict'
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { temporaryFolder } from '../support/folders.ts'

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
  'operations',
  'specification',
  'simulator',
  'serve',
  'cli',
  'index.ts',
]

async function modules(base: string) {
  const result = await cruise([join(base, 'src')], {
    baseDir: base,
    tsPreCompilationDeps: true,
    exclude: { path: '\\.test\\.ts$' },
    doNotFollow: { path: 'node_modules' },
    ruleSet: { forbidden: [{ name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } }] },
    validate: true,
  })
  const output = result.output as ICruiseResult
  // Paths are told from where the process runs.
  const below = `${relative(process.cwd(), base)}/`
  const plain = (path: string) => (path.startsWith(below) ? path.slice(below.length) : path)
  return {
    ...output,
    modules: output.modules.map((module) => ({
      ...module,
      source: plain(module.source),
      dependencies: module.dependencies.map((dependency) => ({ ...dependency, resolved: plain(dependency.resolved) })),
    })),
  }
}

test('imports have no cycles, and folders import only folders before them', async () => {
  const { summary, modules: found } = await modules(root)
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

/** An exchange's folder: beside them lies what all of them share. */
const EXCHANGES = globSync('src/sources/*/index.ts', { cwd: root }).map((path) => path.split('/')[2] ?? '')

/** Who may know an exchange by name: its own folder, the list of all, what simulates it, and the names of the specification. */
const MAY_NAME = /^src\/(sources\/registry\.ts|simulator\/|specification\/)/

/** Imports of an exchange's files from outside of its folder. The list of all takes its index and nothing else. */
function foreignImports(found: ICruiseResult['modules']): string[] {
  const exchange = (path: string) => EXCHANGES.find((id) => path.startsWith(`src/sources/${id}/`))
  return found.flatMap(({ source, dependencies }) =>
    dependencies.flatMap(({ resolved }) => {
      const [from, to] = [exchange(source), exchange(resolved)]
      if (to === undefined || from === to) return []
      if (from === undefined && MAY_NAME.test(source) && (source !== 'src/sources/registry.ts' || resolved.endsWith('/index.ts'))) return []
      return [`${source} → ${resolved}`]
    }),
  )
}

/** What only an exchange, its simulation and the tests may know, by what it shows. */
const SPELLINGS: readonly [what: string, pattern: RegExp][] = [
  ['names an exchange', new RegExp(EXCHANGES.join('|'), 'i')],
  ['knows how an archive writes its keys', /['"`}]\.CHECKSUM|futures\/(um|cm)|data\/(spot|option)\//],
  ['asks for a market by its name', /\bmarket\s*[!=]==?\s*['"]/],
  ['asks for a data set by its id', /\bdataset\s*[!=]==?\s*['"]/],
]

function foreignSpellings(path: string, text: string): string[] {
  if (MAY_NAME.test(path) || EXCHANGES.some((id) => path.startsWith(`src/sources/${id}/`))) return []
  return SPELLINGS.flatMap(([what, pattern]) => (pattern.test(text) ? [`${path} ${what}: ${pattern.exec(text)?.[0]}`] : []))
}

test('only an exchange, its simulator and the specification know the exchange', async () => {
  const { modules: found } = await modules(root)
  assert.deepEqual(foreignImports(found), [])
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  assert.deepEqual(
    files.flatMap((file) => foreignSpellings(file, readFileSync(join(root, file), 'utf8'))),
    [],
  )
})

test('the check for exchange knowledge finds every kind of violation', async (context) => {
  const folder = await temporaryFolder(context)
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true })
  const planted = 'src/gold/planted.ts'
  const text = `import { OFFERS } from '../sources/binance/offers.ts'
export const planted = (market: string, dataset: string) => (market === 'um' || dataset !== 'klines' ? OFFERS : 'a.zip' + '.CHECKSUM')\n`
  writeFileSync(join(folder, planted), text)
  const { modules: found } = await modules(folder)
  assert.deepEqual(foreignImports(found), [`${planted} → src/sources/binance/offers.ts`])
  assert.deepEqual(
    foreignSpellings(planted, text).map((offence) => offence.split(':')[0]),
    SPELLINGS.map(([what]) => `${planted} ${what}`),
  )
})

test('only one file reads clock, randomness and environment', () => {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  const reading = files.filter((file) => /process\.env|Date\.now\b|Math\.random|new Date\(\)/.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(reading, ['src/platform/host.ts'])
})

test('files hold at most 400 lines', () => {
  for (const file of globSync('{src,scripts,bootstrap,bench}/**/*.{ts,mjs}', { cwd: root })) {
    assert.ok(readFileSync(join(root, file), 'utf8').split('\n').length <= 401, `${file} is too long`)
  }
})
