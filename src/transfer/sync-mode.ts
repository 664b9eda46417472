/** `copy` keeps objects that only the destination has; `sync` deletes them. */
export const SYNC_MODES = ['copy', 'sync'] as const

export type SyncMode = (typeof SYNC_MODES)[number]
