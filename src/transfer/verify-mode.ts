/**
 * How a copy is proved. size: the destination reports the size of the source. etag: size, and the ETags are equal if both are digests.
 * sha256: etag, and the SHA-256 that the store computed equals the one that the source publishes beside the object. reread: every copy is read back and compared.
 */
export const VERIFY_MODES = ['size', 'etag', 'sha256', 'reread'] as const

export type VerifyMode = (typeof VERIFY_MODES)[number]
