import { zipMany, zipOne } from '../platform/zip-writer.ts'

/** A file for the archive. `checksum` null means that there is no CHECKSUM file. */
export type FileParts = { readonly csv: Buffer; readonly zip: Buffer | undefined; readonly checksum: string | null | undefined }

/** A defect of a published file. Lines count from 0, without the header. */
export type Defect =
  | { readonly kind: 'missing-lines'; readonly from: number; readonly count: number }
  | { readonly kind: 'repeated-lines'; readonly from: number; readonly count: number }
  | { readonly kind: 'shuffled-lines'; readonly from: number; readonly count: number }
  | { readonly kind: 'conflicting-line'; readonly at: number }
  | { readonly kind: 'garbage-line'; readonly at: number; readonly text: string }
  | { readonly kind: 'extra-header'; readonly header: string }
  | { readonly kind: 'crlf' }
  | { readonly kind: 'bom' }
  | { readonly kind: 'cut-line' }
  | { readonly kind: 'wrong-checksum' }
  | { readonly kind: 'no-checksum' }
  | { readonly kind: 'corrupt-zip' }
  | { readonly kind: 'two-entries' }
  | { readonly kind: 'replaced-csv'; readonly csv: string }

/** Applies a defect to a file. The checksum is that of the resulting file, unless the defect concerns the checksum. */
export function applyDefect(file: FileParts, defect: Defect): FileParts {
  switch (defect.kind) {
    case 'wrong-checksum':
      return { ...file, checksum: `${'0'.repeat(64)}\n` }
    case 'no-checksum':
      return { ...file, checksum: null }
    case 'corrupt-zip':
      return { ...file, zip: corrupt(zipOne('data.csv', file.csv)) }
    case 'two-entries':
      return {
        ...file,
        zip: zipMany([
          { name: 'a.csv', content: file.csv },
          { name: 'b.csv', content: file.csv },
        ]),
      }
    default:
      return { ...file, csv: changedCsv(file.csv, defect) }
  }
}

function corrupt(zip: Buffer): Buffer {
  const bytes = Buffer.from(zip)
  const middle = Math.floor(bytes.length / 2)
  for (let at = middle; at < Math.min(middle + 16, bytes.length); at++) bytes[at] = (bytes[at] ?? 0) ^ 0x5a
  return bytes
}

type CsvDefect = Exclude<Defect, { kind: 'wrong-checksum' | 'no-checksum' | 'corrupt-zip' | 'two-entries' }>

function changedCsv(csv: Buffer, defect: CsvDefect): Buffer {
  if (defect.kind === 'bom') return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), csv])
  if (defect.kind === 'replaced-csv') return Buffer.from(defect.csv)
  const all = csv.toString('utf8').trimEnd().split('\n')
  const head = /^[A-Za-z]/.test(all[0] ?? '') ? all.splice(0, 1) : []
  if (defect.kind === 'crlf') return Buffer.from(`${[...head, ...all].join('\r\n')}\r\n`)
  if (defect.kind === 'cut-line') return Buffer.from([...head, ...all].join('\n').slice(0, -Math.ceil((all.at(-1) ?? '').length / 2)))
  changeLines(all, head, defect)
  return Buffer.from(`${[...head, ...all].join('\n')}\n`)
}

function changeLines(
  lines: string[],
  head: string[],
  defect: Exclude<CsvDefect, { kind: 'bom' | 'replaced-csv' | 'crlf' | 'cut-line' }>,
): void {
  switch (defect.kind) {
    case 'missing-lines':
      lines.splice(defect.from, defect.count)
      break
    case 'repeated-lines':
      lines.splice(defect.from, 0, ...lines.slice(defect.from, defect.from + defect.count))
      break
    case 'shuffled-lines':
      lines.splice(defect.from, defect.count, ...lines.slice(defect.from, defect.from + defect.count).reverse())
      break
    case 'conflicting-line':
      lines.splice(defect.at, 0, otherVolume(lines[defect.at] ?? ''))
      break
    case 'garbage-line':
      lines.splice(defect.at, 0, defect.text)
      break
    case 'extra-header':
      head.unshift(defect.header)
      break
  }
}

/** The same bar with one more trade. */
function otherVolume(line: string): string {
  const fields = line.split(',')
  fields[8] = String(Number(fields[8]) + 1)
  return fields.join(',')
}
