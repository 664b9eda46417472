import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERROR_CODES } from '../../src/core/errors.ts'

const root = join(import.meta.dirname, '../..')

const FORBIDDEN = /\b(anew|told|of which|(?<!there )(?:is|are) no |house|mended|cut by)\b/
const MAX_WORDS = 25

/** Verbs that a remedy may begin with. */
const VERBS =
  /^(Change|Check|Choose|Correct|Fetch|Free|Give|Install|Make|Move|Name|Raise|Read|Remove|Restore|Rewrite|Run|Search|Use|Wait|Write)\b/

/** A command between backticks: a word of small letters, then options and arguments. */
const COMMAND = /`[a-z][a-z0-9-]*( [^`]+)?`/

function sentences(text: string): string[] {
  return text.split(/(?<=[.!?])\s+/)
}

function words(sentence: string): number {
  return sentence.split(/\s+/).length
}

for (const [code, { meaning, remedy }] of Object.entries(ERROR_CODES))
  test(`${code}: meaning and remedy are short, plain sentences`, () => {
    // biome-ignore lint/suspicious/noConsole: the texts are printed for review
    console.log(`${code}  ${meaning}  →  ${remedy}`)
    for (const text of [meaning, remedy]) {
      assert.match(text, /\.$/)
      assert.doesNotMatch(text, FORBIDDEN)
      for (const sentence of sentences(text)) assert.ok(words(sentence) <= MAX_WORDS, `${words(sentence)} words: ${sentence}`)
    }
    assert.ok(VERBS.test(remedy) || COMMAND.test(remedy), `an action is missing: ${remedy}`)
  })

const PLAIN = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/.source
/** A template, with templates one level deep in its expressions. */
const TEMPLATE = /`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\})*`/.source
const MESSAGE = new RegExp(`new LakehouseError\\(\\s*[^,]+,\\s*(${PLAIN}|${TEMPLATE})`, 'g')
const EXPRESSION = /\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}/g

/** The messages of LakehouseErrors in a source text, without the expressions in them. */
function messages(source: string): string[] {
  return [...source.matchAll(MESSAGE)].map(([, literal = '']) => literal.slice(1, -1).replace(EXPRESSION, '…'))
}

test('the scan finds messages and leaves out the expressions in them', () => {
  const expression = ['$', "{told === '' ? '' : `, did you mean $", '{told}?`}'].join('')
  assert.deepEqual(messages(`new LakehouseError(\n  'USAGE',\n  \`it ${expression} is no key\`,\n)`), ['it … is no key'])
  assert.deepEqual(messages("new LakehouseError(a ? 'USAGE' : 'INTERNAL', 'it is plain')"), ['it is plain'])
  assert.match('it … is no key', FORBIDDEN)
})

test('messages of errors do not use forbidden words', () => {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  const found = files.flatMap((file) => messages(readFileSync(join(root, file), 'utf8')).map((message) => ({ file, message })))
  assert.ok(found.length > 100, `only ${found.length} messages were found`)
  assert.deepEqual(
    found.filter(({ message }) => FORBIDDEN.test(message)),
    [],
  )
})
