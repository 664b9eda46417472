/** copy leaves what only the destination has, sync deletes it. */
export const SYNC_MODES = ['copy', 'sync'] as const

export type SyncMode = (typeof SYNC_MODES)[number]
