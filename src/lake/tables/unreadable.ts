import { asLakehouseError, type ErrorCode } from '../../core/errors.ts'
import { type Finding, wholeFinding } from '../../core/finding.ts'
import { tableName } from '../layout.ts'

const CODES: readonly ErrorCode[] = ['TABLE_CORRUPT', 'TABLE_UNSUPPORTED', 'OBJECT_NOT_FOUND']

/** Whether an error concerns one table that cannot be read, and not the lake. */
export function isUnreadable(error: unknown): boolean {
  return CODES.includes(asLakehouseError(error).code)
}

/** What `read` returns, or undefined if a table cannot be read: `tell` gets the message. Throws every other error. */
export async function unlessUnreadable<T>(read: () => Promise<T>, tell: (message: string) => void = () => {}): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    tell(asLakehouseError(error).message)
    return undefined
  }
}

/** The answer of `work` on a table. If the table cannot be read, it becomes a finding, so that the other tables are still served. Throws every other error. */
export async function orFinding<T>(root: string, findings: Finding[], work: () => Promise<T>): Promise<T | undefined> {
  return await unlessUnreadable(work, (message) => findings.push(wholeFinding(tableName(root), 'unreadable', 'error', 1, message)))
}
