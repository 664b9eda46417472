import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DETECTORS } from '../src/silver/quality/anomalies/registry.ts'
import { CHECKS } from '../src/silver/quality/checks/registry.ts'
import { injectAnomalies } from '../test/support/injected.ts'
import { DEFECT_CLASSES, plantDefects } from '../test/support/planted.ts'

/** Plants defects and writes docs/quality.md: `node scripts/plant-defects.ts [rounds]`. Fails where a rule misses one, or speaks without a reason. */
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
  'Every rule that `crypto-lakehouse quality` holds against the silver tables. What it finds is in `silver.findings`, the score of each symbol and day in `silver.quality`.',
  '',
  '| rule | severity | part of the score | what a violation means |',
  '|---|---|---|---|',
  ...CHECKS.map(({ id }) => `| \`${id}\` | ${meaning.get(id)} |`),
  '',
  'A score is 100 times the weighted mean of its parts, each the share of rows (or of expected rows) that is good; a part that cannot be judged weighs nothing (`quality.weights`).',
  'Rows stay as they were published; `silver.<table>_flagged` reads them with a column `quality_flags`, the rules that a finding on their symbol and time names.',
  '',
  'Beside the rules for rows: `bars_sum` and `bars_from_trades` hold klines against finer klines and against trades, in exact decimals, where the lake has them; `duplicate_rows`, `rejected_rows`, `unsorted_file` and',
  '`unused_column` tell what decoding has found, `stale` that the newest row of a symbol is older than `quality.maxStaleDays` (and not so old that nobody waits for more: 60 days).',
  '',
  '## What is missing, and how it is filled',
  '',
  '`crypto-lakehouse gaps` names the cause of each gap; `--plan` shows how it can be filled and at what cost, `--fill` fills what other tables of the lake can: bars of finer bars, all of which are there, and of trades whose',
  'numbers have no hole. Such rows say `derived` in `source` and name the table in `source_object`; `--synthetic` carries the last close on besides (`source` is `synthetic`). `silver.fills` keeps what was filled and what cannot',
  'be; when a partition is made again, what is still missing in it is filled again. `crypto-lakehouse quarantine drop` and `release` decide on lines that could not be typed; the ledger keeps the decision and its reason.',
  '',
  '## What is out of the ordinary',
  '',
  'Detectors see the bars of a symbol one by one, and judge each by those before it alone. A hit is a finding of severity info with its score and parameters.',
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
  `${cases.toLocaleString('en')} simulated days, each with one defect of ${DEFECT_CLASSES.length} kinds at a random row, among as many clean ones (\`node scripts/plant-defects.ts ${rounds}\`, which writes this page). A false alarm is a symbol in`,
  'which a rule speaks that neither the defect nor what comes along with it explains.',
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
  `One event in each of ${series} simulated series of 1,500 bars with calm and lively hours; hits elsewhere in them are false alarms.`,
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
