// Writes docs/errors.md from the table of codes. A test checks that both are equal.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES } from '../src/core/errors.ts'

const rows = Object.entries(ERROR_CODES).map(
  ([code, { retryable, meaning, remedy }]) => `| \`${code}\` | ${retryable ? 'yes' : 'no'} | ${meaning} | ${remedy} |`,
)
const text = `# Errors

Every error has one of these codes: with \`--json\` in \`errors[].code\`, otherwise in brackets after the message. This page is made from \`src/core/errors.ts\` by
\`node bootstrap/start.mjs --script scripts/errors-page.ts\`.

| code | retryable | what it means | what to do |
|---|---|---|---|
${rows.join('\n')}

Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 done, with findings or differences · 130 interrupted.
`
writeFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), text)
