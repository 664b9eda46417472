import type { ErrorCode, LakehouseError } from '../../core/errors.ts'

/**
 * What to do with an object that an engine could not copy. again: try the same engine again with smaller parts (the clients have already waited and repeated).
 * next: try another engine. renew: the source changed, so read its metadata again. vanished: the source is gone, which is not a failure.
 * stop: no object can be copied until a user acts. fail: this object cannot be copied.
 */
export type Strategy = 'again' | 'next' | 'renew' | 'vanished' | 'stop' | 'fail'

const STRATEGIES: Readonly<Partial<Record<ErrorCode, Strategy>>> = {
  STORE_THROTTLED: 'again',
  STORE_FAILED: 'again',
  STORE_UNREACHABLE: 'next',
  STORE_ANSWER_INVALID: 'again',
  TRANSFER_STALLED: 'again',
  TRANSFER_TRUNCATED: 'again',
  CHECKSUM_MISMATCH: 'renew',
  PRECONDITION_FAILED: 'renew',
  OBJECT_NOT_FOUND: 'vanished',
  STORE_REFUSED: 'next',
  STORE_UNSUPPORTED: 'next',
  STORE_REGION_WRONG: 'next',
  S5CMD_FAILED: 'next',
  DISK_FULL: 'next',
  RETRY_BUDGET_EXHAUSTED: 'again',
  CREDENTIALS_INVALID: 'stop',
  INTERRUPTED: 'stop',
}

export function strategyFor(error: LakehouseError): Strategy {
  return STRATEGIES[error.code] ?? 'fail'
}
