import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DETECTORS } from '../src/silver/quality/anomalies/registry.ts'
import { CHECKS } from '../src/silver/quality/checks/registry.ts'
import { injectAnomalies } from '../test/support/injected.ts'
import { DEFECT_CLASSES, plantDefects } from '../test/support/planted.ts'

/** Plants defects and writes docs/quality.md: `node scripts/plant-defects.ts [rounds]`. Fails when a rule misses a defect or raises a false alarm. */
const rounds = Number(process.argv[2] ?? 20)
const folder = await mkdtemp(join(tmpdir(), 'planted-'))
const results = await plantDefects(folder, 'planted', rounds).finally(() => rm(folder, { recursive: true, force: true }))
const series = 300
const injected = injectAnomalies('injected', series)
const share = (part: number, whole: number) => (whole === 0 ? '–' : (part / whole).toFixed(3))
const meaning = new Map(CHECKS.map(({ id, severity, dimension, meaning: text }) => [id as string, `${severity} | ${dimension} | ${text}`]))
const cases = DEFECT_CLASSES.length * rounds
const lines = [
  '# What is checked',
  '',
  'The rules that `crypto-lakehouse quality` checks on the silver tables. `silver.findings` holds the findings, `silver.quality` the score of each symbol and day.',
  '',
  '| rule | severity | part of the score | what a violation means |',
  '|---|---|---|---|',
  ...CHECKS.map(({ id }) => `| \`${id}\` | ${meaning.get(id)} |`),
  '',
  'A score is 100 times the weighted mean of its parts (`quality.weights`). Each part is the share of good rows, or of expected rows; a part that cannot be judged has no weight.',
  'Rows stay as published. `silver.<table>_flagged` adds a column `quality_flags` with the rules of all findings on the symbol and time of the row.',
  '',
  'More checks: `bars_sum` and `bars_from_trades` compare klines with finer klines and with trades, in exact decimals, if the lake has them. `duplicate_rows`, `rejected_rows`, `unsorted_file` and',
  '`unused_column` report findings of the decoder. `other_days` and `truncated_file` compare the rows of a file with the day or month in its name; rows that name another symbol than their file go to quarantine (`FOREIGN_SYMBOL`). `conflicting_duplicates` names rows that had the key of another row and other values, with both, in each assessment while the files are current. `stale` reports that the newest row of a symbol is older than `quality.maxStaleDays`, but not older than 60 days, when no more rows are expected.',
  '',
  '## Bad days stay out',
  '',
  '```',
  "crypto-lakehouse ingest klines --publish-if 'score>=95 and errors=0'",
  '```',
  '',
  'With a rule, `ingest` builds the rows of a table on the branch `staged`, and judges every symbol and day of the partitions that it changes. If each meets the rule, the table becomes the branch at once. Otherwise readers and gold see what they saw',
  'before, and the finding `not_published` names the worst days. `query … --as-of staged` shows them. The next `ingest` with a rule goes on with the branch. Metrics are `score` (0–100), its parts (0–1), `rows` and `errors`; a part that cannot be judged does not count.',
  '',
  '## What is missing, and how it is filled',
  '',
  '`crypto-lakehouse gaps` names the cause of each gap. `--plan` shows how a gap can be filled, and the cost. `--fill` fills gaps from other tables of the lake: bars from a complete set of finer bars, or from trades whose',
  'numbers have no gaps. These rows have the `source` `derived`, and `source_object` names the table. `--synthetic` also repeats the last close (`source` is `synthetic`). `silver.fills` holds the filled gaps and those that cannot',
  'be filled; when a partition is built again, gaps that remain are filled again. `crypto-lakehouse quarantine drop` and `release` decide on lines that could not be typed; the ledger stores the decision and its reason.',
  '',
  '## What is out of the ordinary',
  '',
  'A detector reads the bars of a symbol one by one, and judges each bar only by earlier bars. A hit is a finding of severity info with its score and parameters.',
  '',
  '| detector | what a hit means | parameters |',
  '|---|---|---|',
  ...DETECTORS.map(
    ({ id, meaning: text, parameters }) =>
      `| \`${id}\` | ${text} | ${Object.entries(parameters)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')} |`,
  ),
  '',
  '## How well the rules find',
  '',
  `${cases.toLocaleString('en')} simulated days, each with one defect of ${DEFECT_CLASSES.length} kinds at a random row, among as many clean ones (\`node scripts/plant-defects.ts ${rounds}\`, which writes this page). A false alarm is a rule that fires on`,
  'a symbol without the defect or a consequence of the defect.',
  '',
  '| rule | defects | found | recall | false alarms | precision |',
  '|---|---|---|---|---|---|',
  ...results.map(
    ({ check, planted, found, falseAlarms }) =>
      `| \`${check}\` | ${planted} | ${found} | ${share(found, planted)} | ${falseAlarms} | ${share(found, found + falseAlarms)} |`,
  ),
  '',
  `## How well the detectors find`,
  '',
  `One event in each of ${series} simulated series of 1,500 bars with calm and volatile hours. Hits elsewhere are false alarms.`,
  '',
  '| detector | event | found | recall | hits elsewhere | precision |',
  '|---|---|---|---|---|---|',
  ...injected.map(
    ({ detector, what, injected: all, found, others }) =>
      `| \`${detector}\` | ${what} | ${found} | ${share(found, all)} | ${others} | ${share(found, found + others)} |`,
  ),
  '',
]
await writeFile(join(import.meta.dirname, '..', 'docs', 'quality.md'), lines.join('\n'))
const wrong = results.filter(({ planted, found, falseAlarms }) => found < planted || falseAlarms > 0)
process.stdout.write(
  `${cases} defects in ${cases * 2} symbols: ${wrong.length === 0 ? 'all found, no false alarm' : JSON.stringify(wrong)}\n`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
