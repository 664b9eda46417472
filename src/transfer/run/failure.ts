import type { ErrorCode, LakehouseError } from '../../core/errors.ts'

/**
 * What to do about an object that an engine could not move. again: the same engine once more, gentler (the clients have waited and repeated already).
 * next: another engine may do it. renew: the source has changed, so look at it again. vanished: the source is gone, which is no failure.
 * stop: no object can be moved until somebody does something. fail: this object cannot be moved.
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
