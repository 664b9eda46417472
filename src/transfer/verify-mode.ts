/**
 * How a copy is proved. size: the destination states the source's size. etag: and where both ETags are digests, they are equal. sha256: and the copy has the
 * SHA-256 that the source publishes beside the object, as the store computed it. reread: every copy is read back and compared.
 */
export const VERIFY_MODES = ['size', 'etag', 'sha256', 'reread'] as const

export type VerifyMode = (typeof VERIFY_MODES)[number]
