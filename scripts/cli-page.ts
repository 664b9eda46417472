// Writes docs/cli.md from the commands and the operations. A test checks that both are equal.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allCommands } from '../src/cli/commands/registry.ts'
import { helpText } from '../src/cli/run.ts'
import { OPERATIONS } from '../src/operations/registry.ts'

/** The text of docs/cli.md. */
export async function cliPage(): Promise<string> {
  const commands = await allCommands()
  const sections = await Promise.all(Object.keys(commands).map(async (name) => `## ${name}\n\n\`\`\`text\n${await helpText(name)}\n\`\`\``))
  const callers = new Map(Object.entries(commands).flatMap(([name, { operations = [] }]) => operations.map((id) => [id as string, name])))
  const rows = await Promise.all(
    Object.entries(OPERATIONS).map(async ([id, load]) => {
      const { permission, summary } = await load()
      return `| \`${id}\` | ${permission} | \`${callers.get(id)}\` | ${summary.replaceAll('|', '\\|')} |`
    }),
  )
  return `# Commands

This page shows the output of \`crypto-lakehouse help\`, and of \`crypto-lakehouse help COMMAND\` for each command. Results go to standard output, everything else to standard
error. With \`--json\`, a command prints one object: \`command\`, \`status\`, \`startedAt\`, \`durationMs\`, \`counts\`, \`findings\`, \`errors\`, and its own keys.
The page is made by \`node bootstrap/start.mjs --script scripts/cli-page.ts\`.

\`\`\`text
${await helpText()}
\`\`\`

${sections.join('\n\n')}

## Operations

Commands call operations, and programs can call them too. \`src/operations/\` has a file for each operation, with the schemas of its input and its result.

| operation | permission | command | what it does |
|---|---|---|---|
${rows.join('\n')}
`
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'cli.md'), await cliPage())
