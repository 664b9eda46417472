import { LakehouseError } from '../../core/errors.ts'
import type { S3Address } from '../../storage/s3/address.ts'
import type { WriteSettings } from '../pair.ts'

/** A copy as s5cmd names it: s3://bucket/key on both sides. */
export type S5cmdCopy = { readonly source: string; readonly destination: string }

/** The text as one word of s5cmd's shell grammar: quoted, because a quote within is the only thing that needs care there. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The words of a line as s5cmd's parser takes them: quotes of both kinds and backslashes. Throws S5CMD_FAILED for a quote that does not end. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (char === "'") {
      const end = line.indexOf("'", at + 1)
      if (end < 0) throw new LakehouseError('S5CMD_FAILED', 'a quote does not end', { details: { line: line.slice(0, 200) } })
      word = (word ?? '') + line.slice(at + 1, end)
      at = end
    } else if (char === '"') {
      const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(line.slice(at))
      if (quoted === null) throw new LakehouseError('S5CMD_FAILED', 'a quote does not end', { details: { line: line.slice(0, 200) } })
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
 * One line of a batch for `s5cmd run`. Exact keys (--raw), metadata kept (s5cmd drops it otherwise), regions named where they differ from the environment's.
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
  // What a line says is read back before s5cmd reads it: one that it misreads would take those after it along.
  if (/[\n\r]/.test(line) || words.at(-2) !== copy.source || words.at(-1) !== copy.destination || words.length !== options.length + 2)
    throw new LakehouseError('S5CMD_FAILED', `no line of s5cmd can express ${copy.source}`, { details: { key: copy.source } })
  return line
}

/** What a line of s5cmd's output tells of one copy; `undefined` for the rest: statistics, usage texts, whatever else it prints. */
export type S5cmdTold = { readonly source: string; readonly destination: string; readonly error: string | undefined }

export function parseOutput(line: string, byCommand: ReadonlyMap<string, S5cmdCopy>): S5cmdTold | undefined {
  let told: unknown
  try {
    told = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof told !== 'object' || told === null) return undefined
  const field = (name: string) => (name in told ? (told as Record<string, unknown>)[name] : undefined)
  const [source, destination, error, command] = ['source', 'destination', 'error', 'command'].map(field)
  if (field('success') === true && typeof source === 'string' && typeof destination === 'string')
    return { source, destination, error: undefined }
  // The command comes without its quotes, so that it can only be told by comparing it whole.
  const copy = typeof command === 'string' ? byCommand.get(command) : undefined
  return copy === undefined || typeof error !== 'string' ? undefined : { ...copy, error }
}
