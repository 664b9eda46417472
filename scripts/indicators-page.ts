// Compares every indicator with its oracle over 200 random series, and writes docs/indicators.md: node bootstrap/start.mjs --script scripts/indicators-page.ts
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { INDICATORS } from '../src/gold/indicators/registry.ts'
import { compareWithOracles } from '../test/support/indicator-parity.ts'
import { prepareReaders } from './readers.ts'

await prepareReaders()
const folder = await mkdtemp(join(tmpdir(), 'parity-'))
const results = await compareWithOracles(folder, 200).finally(() => rm(folder, { recursive: true, force: true }))
const rows = INDICATORS.map(({ id, name, parameters, inputs, outputs, unstable, lookback, reference }) => {
  const usual = Object.fromEntries(Object.entries(parameters).map(([key, { default: value }]) => [key, value]))
  const told = Object.entries(usual).map(([key, value]) => `${key} ${value}`)
  const own = results.filter((one) => one.id === id)
  const error = Math.max(...own.map((one) => one.error))
  const nulls = own.reduce((sum, one) => sum + one.differingNulls, 0)
  const after = unstable(usual)
  const fixed = after === 0 ? '–' : Number.isFinite(after) ? String(after) : 'never'
  return `| \`${id}\` | ${name} | ${told.join(', ') || '–'} | ${inputs.join(', ')} | ${outputs.map((one) => `\`${one}\``).join(' ')} | ${lookback(usual)} | ${fixed} | ${own.length} | ${error === 0 ? '0' : error.toExponential(1)} | ${nulls} | ${reference} |`
})
const text = `# Indicators

\`crypto-lakehouse indicators list\` and \`describe ID\` print the same facts. A row with a missing input has no value and is skipped; rows during warm-up have no value either. The same definition computes a whole
series and the next bar: however a series is divided, the values are equal bit for bit. \`indicators compute … --save NAME\` saves them as a table, which ingestion keeps up to date from the first changed month.

\`\`\`sql
SELECT open_time, close, rsi_14, macd_12_26_9 FROM indicators('silver.binance_spot_klines_1h', 'BTCUSDT', 'rsi(14), macd(12, 26, 9)')
\`\`\`

Each indicator is compared with an oracle over 200 random series of 150 to 400 bars; a fifth of the series has repeated closes. The oracle is TA-Lib 0.8.2 if it has the indicator, otherwise the formula in numpy.
The error is the largest error relative to the value, or to a thousandth of the largest value if the value is smaller. \`warm-up\`: the number of null rows. \`settled\`: the number of rows after which the start of the
series changes a value by less than one part in a billion.

| id | name | parameters | inputs | outputs | warm-up | settled | parameter sets | largest error | rows null on one side alone | reference |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Our values are defined where TA-Lib returns only rounding errors: a range, deviation or spread below 10⁻¹² of its values counts as zero. The stochastic, %R or CCI of a constant market is therefore 0 (TA-Lib returns
the remainder of its sums), and the z-score is null. The strength index of such a market is 0, as in TA-Lib. Correlation is compared with numpy, because the sums of TA-Lib lose up to one part in a billion.
`
await writeFile(join(import.meta.dirname, '..', 'docs', 'indicators.md'), text)
const wrong = results.filter(({ error, differingNulls }) => error > 1e-9 || differingNulls > 0)
process.stdout.write(
  `${results.length} parameter sets, largest error ${Math.max(...results.map(({ error }) => error)).toExponential(1)}${wrong.length > 0 ? `; wrong: ${JSON.stringify(wrong)}` : ''}\n`,
)
if (wrong.length > 0) process.exitCode = 1
