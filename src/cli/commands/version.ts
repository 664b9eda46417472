import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Command } from '../command.ts'

export const version: Command = {
  summary: 'Print the version',
  usage: '',
  options: {},
  run: async (context) => {
    const found = versionIn(ownPackage(import.meta.dirname))
    if (!context.json) context.out(`crypto-lakehouse ${found}\n`)
    return { status: 'done', body: { version: found, node: process.version, duckdb: engineVersion() } }
  },
}

/** The nearest package.json above a folder: that of a clone, of its bundle, or of the package. */
function ownPackage(folder: string): string {
  const file = join(folder, 'package.json')
  return existsSync(file) ? file : ownPackage(dirname(folder))
}

/** The engine's version from its package.json, without loading the engine: v1.5.5. */
function engineVersion(): string {
  const file = createRequire(import.meta.url).resolve('@duckdb/node-bindings/package.json')
  return `v${versionIn(file).replace(/-.*$/, '')}`
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
