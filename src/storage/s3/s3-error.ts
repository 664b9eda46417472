import { type ErrorCode, LakehouseError } from '../../core/errors.ts'
import { elementText } from './xml.ts'

/** What S3 and its likes call their errors, by what is to be done about them. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  SlowDown: 'STORE_THROTTLED',
  ServiceUnavailable: 'STORE_THROTTLED',
  Throttling: 'STORE_THROTTLED',
  ThrottlingException: 'STORE_THROTTLED',
  RequestLimitExceeded: 'STORE_THROTTLED',
  BandwidthLimitExceeded: 'STORE_THROTTLED',
  TooManyRequests: 'STORE_THROTTLED',
  InternalError: 'STORE_FAILED',
  OperationAborted: 'STORE_FAILED',
  ConditionalRequestConflict: 'STORE_FAILED',
  RequestTimeout: 'TRANSFER_STALLED',
  IncompleteBody: 'TRANSFER_TRUNCATED',
  NoSuchKey: 'OBJECT_NOT_FOUND',
  NoSuchVersion: 'OBJECT_NOT_FOUND',
  NoSuchUpload: 'PRECONDITION_FAILED',
  PreconditionFailed: 'PRECONDITION_FAILED',
  NoSuchBucket: 'STORE_REFUSED',
  AccessDenied: 'STORE_REFUSED',
  AllAccessDisabled: 'STORE_REFUSED',
  ExpiredToken: 'CREDENTIALS_INVALID',
  InvalidToken: 'CREDENTIALS_INVALID',
  TokenRefreshRequired: 'CREDENTIALS_INVALID',
  InvalidAccessKeyId: 'CREDENTIALS_INVALID',
  SignatureDoesNotMatch: 'CREDENTIALS_INVALID',
  RequestTimeTooSkewed: 'CREDENTIALS_INVALID',
  AuthorizationHeaderMalformed: 'STORE_REGION_WRONG',
  PermanentRedirect: 'STORE_REGION_WRONG',
  TemporaryRedirect: 'STORE_REGION_WRONG',
  IllegalLocationConstraintException: 'STORE_REGION_WRONG',
  NotImplemented: 'STORE_UNSUPPORTED',
  BadDigest: 'CHECKSUM_MISMATCH',
  XAmzContentChecksumMismatch: 'CHECKSUM_MISMATCH',
}

const STATUSES: Readonly<Record<number, ErrorCode>> = {
  301: 'STORE_REGION_WRONG',
  304: 'PRECONDITION_FAILED',
  307: 'STORE_REGION_WRONG',
  401: 'CREDENTIALS_INVALID',
  403: 'STORE_REFUSED',
  404: 'OBJECT_NOT_FOUND',
  409: 'STORE_FAILED',
  412: 'PRECONDITION_FAILED',
  429: 'STORE_THROTTLED',
  501: 'STORE_UNSUPPORTED',
  503: 'STORE_THROTTLED',
}

/**
 * The error that an answer states, in the body or, where there is none, by its status. `details.s3` is the store's own code, `details.region` the region that
 * it names, `details.retryAfterMs` how long it asks to wait.
 */
export function s3Error(
  operation: string,
  address: string,
  status: number,
  headers: ReadonlyMap<string, string>,
  body: string,
): LakehouseError {
  const s3 = elementText(body, 'Code') ?? ''
  const message = elementText(body, 'Message') ?? ''
  const code = CODES[s3] ?? STATUSES[status] ?? (status >= 500 ? 'STORE_FAILED' : 'STORE_REFUSED')
  const region = headers.get('x-amz-bucket-region') ?? elementText(body, 'Region')
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN)
  const location = headers.get('location')
  const reported = [s3, message].filter((part) => part !== '').join(': ')
  return new LakehouseError(code, `${operation} ${address}: ${status}${reported === '' ? '' : ` ${reported}`}`, {
    details: {
      operation,
      address,
      status,
      s3,
      ...(region === undefined ? {} : { region }),
      ...(location === undefined ? {} : { location }),
      ...(Number.isNaN(retryAfter) ? {} : { retryAfterMs: Math.min(retryAfter * 1000, 120_000) }),
    },
  })
}
