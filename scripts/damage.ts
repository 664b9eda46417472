// Damages one file of each kind in each way, looks for it and repairs it; prints the endings, and writes them into docs/reliability.md: npm run test:damage
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { damageOne, type Ending, HURTS, isGood, makeDamagedLake } from '../test/support/damage-matrix.ts'

const PAGE = join(import.meta.dirname, '../docs/reliability.md')
const [BEGIN, END] = ['<!-- damage: begin -->', '<!-- damage: end -->']

const folder = await mkdtemp(join(tmpdir(), 'crypto-lakehouse-damage-'))
const made = await makeDamagedLake(folder)
const endings: Ending[] = []
for (const kind of made.files.keys())
  for (const hurt of HURTS) {
    const ending = await damageOne(made, kind, hurt)
    endings.push(ending)
    process.stdout.write(
      `${isGood(ending) ? '✔' : '✖'} ${kind.padEnd(32)} ${hurt.padEnd(13)} ${(ending.noticedBy[0] ?? 'not found').padEnd(20)} ${ending.repairedBy}\n`,
    )
  }
await rm(folder, { recursive: true, force: true })
const page = await readFile(PAGE, 'utf8')
await writeFile(PAGE, `${page.slice(0, page.indexOf(BEGIN) + BEGIN.length)}\n\n${table(endings)}\n${page.slice(page.indexOf(END))}`)
const failed = endings.filter((ending) => !isGood(ending)).length
process.stdout.write(`\n${endings.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/** One row for each kind of file, and more where the kinds of damage end differently. */
function table(all: readonly Ending[]): string {
  const rows = new Map<string, { kind: string; hurts: string[]; rest: string }>()
  for (const { kind, hurt, noticedBy, repairedBy } of all) {
    const others = noticedBy.filter((name) => name !== 'tables check --deep')
    const found = [noticedBy.includes('tables check --deep') ? 'yes' : 'no', others.map((name) => `\`${name}\``).join(', '), repairedBy]
    const rest = found.join(' | ')
    const row = rows.get(`${kind} ${rest}`) ?? { kind, hurts: [], rest }
    row.hurts.push(hurt)
    rows.set(`${kind} ${rest}`, row)
  }
  const lines = [...rows.values()].map(
    ({ kind, hurts, rest }) => `| ${kind} | ${hurts.length === HURTS.length ? 'any' : hurts.join(', ')} | ${rest} |`,
  )
  return ['| file | damage | found by `tables check --deep` | also noticed by | repaired by |', '|---|---|---|---|---|', ...lines, ''].join(
    '\n',
  )
}
