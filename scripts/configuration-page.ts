// Writes docs/configuration.md from the schema. A test checks that both are equal.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { archiveCollection } from '../src/config/archive-collection.ts'
import { settings } from '../src/config/schema.ts'

type Json = {
  properties?: Record<string, Json>
  description?: string
  default?: unknown
  enum?: unknown[]
  minimum?: number
  maximum?: number
  required?: string[]
}

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  const rows = settings().map(
    ({ key, environment, fallback, meaning }) => `| \`${key}\` | \`${environment}\` | ${shown(key, fallback)} | ${cell(meaning)} |`,
  )
  const collection = z.toJSONSchema(archiveCollection, { io: 'input', unrepresentable: 'any' }) as Json
  return `# Configuration

Flags override environment variables, which override \`lakehouse.yaml\`, which overrides the defaults. \`crypto-lakehouse config show\` prints every value and its source.
An unknown key is an error that names the nearest known key. This page is made from the schema by \`node bootstrap/start.mjs --script scripts/configuration-page.ts\`.

| key | environment | default | meaning |
|---|---|---|---|
${rows.join('\n')}

## \`archive_collection\`

A collection of archive files, in the format of older configuration files. \`crypto-lakehouse sync\` without source and destination copies it. The keys of \`s3_direct_sync\` may also
be direct keys of \`archive_collection\`. A key with "one value only" is an error, with the reason, for any other value.

| key | default | range | meaning |
|---|---|---|---|
${collectionRows(collection, '').join('\n')}
`
}

function collectionRows(schema: Json, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = `${prefix}${name}`
    if (child.properties !== undefined) return collectionRows(child, `${key}.`)
    const isRequired = schema.required?.includes(name) === true && child.default === undefined
    const fallback = isRequired ? 'required' : child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``
    const range =
      child.enum === undefined ? (child.minimum === undefined ? '' : `${child.minimum} – ${child.maximum ?? ''}`) : child.enum.join(', ')
    return [`| \`${key}\` | ${fallback} | ${range} | ${cell(child.description ?? 'one value only')} |`]
  })
}

/** A default as the page shows it. Defaults that depend on the machine are described in words. */
function shown(key: string, fallback: unknown): string {
  const described: Record<string, string> = {
    'engine.workers': 'cores',
    'engine.memoryLimitMb': '1/16 of the memory, 128 to 512',
    'sync.state': '`~/.local/state/crypto-lakehouse`',
  }
  return (
    described[key] ??
    (fallback === undefined || fallback === '' ? '' : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``)
  )
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'configuration.md'), configurationPage())
