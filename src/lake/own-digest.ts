import { digestOf } from '../storage/digests.ts'

// JSON files of a lake that end with their own digest, so that damage is noticed wherever the file is read.

/** The last key: the SHA-256 of all bytes before it. Other programs ignore it, and leave it out of what they write. */
export const OWN_DIGEST = 'lakehouse-sha256'

/** JSON, indented by one space, with its own digest as the last key. `text` is an object without it, printed so. */
export function withOwnDigest(text: string): Buffer {
  const body = text.slice(0, -'\n}'.length)
  return Buffer.from(`${body},\n "${OWN_DIGEST}": "${digestOf(body)}"\n}`)
}

/** Whether the text has changed since it was written; undefined if it does not have a digest. */
export function hasChanged(text: string): boolean | undefined {
  // A last key of this length is ours, even if its name is damaged.
  const found = /,\n "(.{16})": "(.{64})"\n\}$/s.exec(text.slice(-100))
  if (found === null) return undefined
  return found[1] !== OWN_DIGEST || found[2] !== digestOf(text.slice(0, -found[0].length))
}
