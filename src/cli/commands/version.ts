import { readFileSync } from 'node:fs'
import duckdb from '@duckdb/node-bindings'
import type { Command } from '../command.ts'

export const version: Command = {
  summary: 'Print the version',
  usage: '',
  options: {},
  run: async (context) => {
    const found = packageVersion()
    if (!context.json) context.out(`crypto-lakehouse ${found}\n`)
    return { status: 'done', body: { version: found, node: process.version, duckdb: duckdb.library_version() } }
  },
}

/** The version in package.json, which lies above src/ in a clone and above dist/ in the package. */
function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version)
}
