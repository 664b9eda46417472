// Prints figures about the sources: sizes, complexity, cycles, casts, comments, tests. Run `node scripts/figures.ts [FOLDER]`; the default is this clone.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

const root = process.argv[2] ?? join(import.meta.dirname, '..')
const sources = globSync('{src,simulator,scripts,bench}/**/*.ts', { cwd: root }).sort()
const isTest = (file: string) => file.endsWith('.test.ts') || file.startsWith('test/')
const files = sources.filter((file) => !isTest(file) && /^src\//.test(file))
const tests = [...sources.filter(isTest), ...globSync('test/**/*.ts', { cwd: root })]

type Tally = {
  lines: number[]
  bytes: number[]
  functionLines: number[]
  complexity: number[]
  parameters: number[]
  any: number
  nonNull: number
  casts: number
  commentLines: number
  codeLines: number
  codeCharacters: number
  wide: number
  exports: number
  documented: number
  throws: number
}

const tally: Tally = {
  lines: [],
  bytes: [],
  functionLines: [],
  complexity: [],
  parameters: [],
  any: 0,
  nonNull: 0,
  casts: 0,
  commentLines: 0,
  codeLines: 0,
  codeCharacters: 0,
  wide: 0,
  exports: 0,
  documented: 0,
  throws: 0,
}
const valueImports = new Map<string, string[]>()
const everyImport = new Map<string, string[]>()

for (const file of files) measure(file)

function measure(file: string): void {
  const text = readFileSync(join(root, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lines = text.trimEnd().split('\n')
  tally.lines.push(lines.length)
  tally.bytes.push(Buffer.byteLength(text))
  for (const line of lines) {
    const isComment = /^\s*(\/\/|\/\*|\*)/.test(line)
    if (isComment) tally.commentLines++
    else if (line.trim() !== '') {
      tally.codeLines++
      tally.codeCharacters += line.trim().length
    }
    if (line.length > 100) tally.wide++
  }
  valueImports.set(file, [])
  everyImport.set(file, [])
  visit(source, file, source)
}

function visit(node: ts.Node, file: string, source: ts.SourceFile): void {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) noteImport(node, file)
  if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && ts.isBlock(node.body as ts.Node)) noteFunction(node, source)
  if (node.kind === ts.SyntaxKind.AnyKeyword) tally.any++
  if (ts.isNonNullExpression(node)) tally.nonNull++
  if (ts.isAsExpression(node) && node.type.getText(source) !== 'const') tally.casts++
  if (ts.isThrowStatement(node) && /^new Error\(/.test(node.expression.getText(source))) tally.throws++
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []
  if (modifiers.some((one) => one.kind === ts.SyntaxKind.ExportKeyword)) {
    tally.exports++
    if (ts.getJSDocCommentsAndTags(node).length > 0) tally.documented++
  }
  ts.forEachChild(node, (child) => visit(child, file, source))
}

function noteImport(node: ts.ImportDeclaration, file: string): void {
  const specifier = (node.moduleSpecifier as ts.StringLiteral).text
  if (!specifier.startsWith('.')) return
  const target = normalize(join(dirname(file), specifier))
  everyImport.get(file)?.push(target)
  const bindings = node.importClause?.namedBindings
  const onlyTypes =
    node.importClause?.isTypeOnly === true ||
    (bindings !== undefined && ts.isNamedImports(bindings) && bindings.elements.every((one) => one.isTypeOnly))
  if (!onlyTypes) valueImports.get(file)?.push(target)
}

function noteFunction(node: ts.SignatureDeclaration, source: ts.SourceFile): void {
  const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line
  const to = source.getLineAndCharacterOfPosition(node.getEnd()).line
  tally.functionLines.push(to - from + 1)
  tally.parameters.push(node.parameters.length)
  tally.complexity.push(1 + branches(node))
}

/** The number of branches of a function, without those of inner functions. */
function branches(node: ts.Node): number {
  let count = 0
  ts.forEachChild(node, (child) => {
    if (ts.isFunctionLike(child)) return
    if (
      ts.isIfStatement(child) ||
      ts.isConditionalExpression(child) ||
      ts.isForStatement(child) ||
      ts.isForOfStatement(child) ||
      ts.isForInStatement(child) ||
      ts.isWhileStatement(child) ||
      ts.isDoStatement(child) ||
      ts.isCaseClause(child) ||
      ts.isCatchClause(child) ||
      (ts.isBinaryExpression(child) && ['&&', '||', '??'].includes(child.operatorToken.getText(source(child))))
    )
      count++
    count += branches(child)
  })
  return count
}

function source(node: ts.Node): ts.SourceFile {
  return node.getSourceFile()
}

/** The number of files in import cycles (Tarjan 1972). */
function filesInCycles(graph: ReadonlyMap<string, readonly string[]>): number {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  let inCycles = 0
  const connect = (file: string) => {
    index.set(file, index.size)
    low.set(file, index.get(file) ?? 0)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue
      if (!index.has(next)) connect(next)
      if (stack.includes(next)) low.set(file, Math.min(low.get(file) ?? 0, low.get(next) ?? 0))
    }
    if (low.get(file) !== index.get(file)) return
    const component = stack.splice(stack.indexOf(file))
    if (component.length > 1) inCycles += component.length
  }
  for (const file of graph.keys()) if (!index.has(file)) connect(file)
  return inCycles
}

function share(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
}

const spread = (values: readonly number[]) => `${share(values, 0.5)} · ${share(values, 0.9)} · ${Math.max(...values)}`
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const kLines = sum(tally.lines) / 1000
const testLines = sum(tests.map((file) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length))
const rows: [string, string][] = [
  ['files / kLOC / kB', `${files.length} / ${kLines.toFixed(1)} / ${Math.round(sum(tally.bytes) / 1000)}`],
  ['lines per file: median · p90 · max', spread(tally.lines)],
  ['kB per file: median · p90', `${(share(tally.bytes, 0.5) / 1000).toFixed(1)} · ${(share(tally.bytes, 0.9) / 1000).toFixed(1)}`],
  ['characters per code line', (tally.codeCharacters / tally.codeLines).toFixed(0)],
  ['lines over 100', `${((100 * tally.wide) / sum(tally.lines)).toFixed(1)} %`],
  ['lines per function: median · p90 · max', spread(tally.functionLines)],
  [
    'cyclomatic: p90 · max · over 15',
    `${share(tally.complexity, 0.9)} · ${Math.max(...tally.complexity)} · ${tally.complexity.filter((one) => one > 15).length}`,
  ],
  [
    'functions with 5 or more parameters (maximum)',
    `${tally.parameters.filter((one) => one >= 5).length} (${Math.max(...tally.parameters)})`,
  ],
  ['files in cycles of value imports', String(filesInCycles(valueImports))],
  ['files in cycles of any imports', String(filesInCycles(everyImport))],
  ['any · non-null ! per kLOC', `${(tally.any / kLines).toFixed(1)} · ${(tally.nonNull / kLines).toFixed(1)}`],
  ['`as` casts per kLOC (without `as const`)', `${(tally.casts / kLines).toFixed(1)} (${tally.casts})`],
  [
    'comment lines; exports with a doc comment',
    `${((100 * tally.commentLines) / sum(tally.lines)).toFixed(0)} %; ${((100 * tally.documented) / tally.exports).toFixed(0)} % of ${tally.exports}`,
  ],
  ['throw new Error', String(tally.throws)],
  ['lines of tests over lines of source', `${(testLines / sum(tally.lines)).toFixed(2)} (${(testLines / 1000).toFixed(1)} k)`],
]
const width = Math.max(...rows.map(([name]) => name.length))
for (const [name, value] of rows) process.stdout.write(`${name.padEnd(width)}  ${value}\n`)
