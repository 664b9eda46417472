/** Metadata of a table as other programs write it: without the digest of our own. */
export function withoutDigest(metadata: string): string {
  return metadata.replace(/,\n "lakehouse-sha256": "[0-9a-f]{64}"\n}$/, '\n}')
}
