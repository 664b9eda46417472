import { LakehouseError } from '../../../core/errors.ts'

/** The published SHA-256 (64 hex digits, lower case) in a .CHECKSUM file of `fileName`. Throws CHECKSUM_FILE_INVALID. */
export function parseChecksumFile(bytes: Uint8Array, fileName: string): string {
  const text = Buffer.from(bytes).toString('utf8').trim()
  const match = /^([0-9a-fA-F]{64})(?:\s+\*?(.+))?$/.exec(text)
  const [, digest, named] = match ?? []
  if (digest === undefined) {
    throw new LakehouseError(
      'CHECKSUM_FILE_INVALID',
      `${fileName}.CHECKSUM does not have the form "<sha256>  <name>": run \`ingest\` again later`,
      {
        details: { file: fileName, text: text.slice(0, 80) },
      },
    )
  }
  if (named !== undefined && named !== fileName) {
    throw new LakehouseError(
      'CHECKSUM_FILE_INVALID',
      `${fileName}.CHECKSUM has the checksum of another file, ${named}: run \`ingest\` again later`,
      { details: { file: fileName, named } },
    )
  }
  return digest.toLowerCase()
}
