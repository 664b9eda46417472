import { LakehouseError } from '../../core/errors.ts'
import type { S3Address } from '../../storage/s3/address.ts'
import type { WriteSettings } from '../pair.ts'

/** A copy in the notation of s5cmd: s3://bucket/key on both sides. */
export type S5cmdCopy = { readonly source: string; readonly destination: string }

/** Quotes a text as one word of s5cmd's shell grammar. Within single quotes, only a single quote needs escaping. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Splits a line into words like the parser of s5cmd, with both kinds of quotes and backslashes. Throws S5CMD_FAILED when a quote does not end. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (char === "'") {
      const end = line.indexOf("'", at + 1)
      if (end < 0)
        throw new LakehouseError('S5CMD_FAILED', 'a line for s5cmd has a quote that does not end: the object is copied by another engine', {
          details: { line: line.slice(0, 200) },
        })
      word = (word ?? '') + line.slice(at + 1, end)
      at = end
    } else if (char === '"') {
      const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(line.slice(at))
      if (quoted === null)
        throw new LakehouseError('S5CMD_FAILED', 'a line for s5cmd has a quote that does not end: the object is copied by another engine', {
          details: { line: line.slice(0, 200) },
        })
      word = (word ?? '') + (quoted[1] ?? '').replaceAll(/\\([$`"\\\n])/g, '$1')
      at += quoted[0].length - 1
    } else if (char === '\\') word = (word ?? '') + (line[++at] ?? '')
    else if (char === ' ' || char === '\t' || char === '\n') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

/**
 * Writes one line of a batch for `s5cmd run`: exact keys (--raw), metadata kept (s5cmd drops it otherwise), and both regions.
 * Throws S5CMD_FAILED for a copy that no line can express.
 */
export function batchLine(copy: S5cmdCopy, regions: { source: S3Address; destination: S3Address }, write: WriteSettings): string {
  const options = [
    'cp',
    '--raw',
    '--metadata-directive',
    'COPY',
    '--source-region',
    regions.source.region,
    '--destination-region',
    regions.destination.region,
  ]
  if (write.storageClass !== undefined) options.push('--storage-class', write.storageClass)
  if (write.encryption !== undefined) options.push('--sse', write.encryption)
  if (write.kmsKeyId !== undefined) options.push('--sse-kms-key-id', write.kmsKeyId)
  const line = `${options.join(' ')} ${quoteWord(copy.source)} ${quoteWord(copy.destination)}`
  const words = splitWords(line)
  // Parse the line before s5cmd does: a line that s5cmd misreads would also break the lines after it.
  if (/[\n\r]/.test(line) || words.at(-2) !== copy.source || words.at(-1) !== copy.destination || words.length !== options.length + 2)
    throw new LakehouseError('S5CMD_FAILED', `s5cmd cannot copy ${copy.source}: no batch line can hold its key`, {
      details: { key: copy.source },
    })
  return line
}

/** The result of one copy, as a line of s5cmd's output reports it. */
export type S5cmdReport = { readonly source: string; readonly destination: string; readonly error: string | undefined }

/** Reads a line of s5cmd's output. Returns undefined for everything but the result of a copy, such as statistics and usage texts. */
export function parseOutput(line: string, byCommand: ReadonlyMap<string, S5cmdCopy>): S5cmdReport | undefined {
  let report: unknown
  try {
    report = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof report !== 'object' || report === null) return undefined
  const field = (name: string) => (name in report ? (report as Record<string, unknown>)[name] : undefined)
  const [source, destination, error, command] = ['source', 'destination', 'error', 'command'].map(field)
  if (field('success') === true && typeof source === 'string' && typeof destination === 'string')
    return { source, destination, error: undefined }
  // s5cmd prints the command without its quotes, so only a comparison of the whole command identifies the copy.
  const copy = typeof command === 'string' ? byCommand.get(command) : undefined
  return copy === undefined || typeof error !== 'string' ? undefined : { ...copy, error }
}
