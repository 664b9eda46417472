import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

const PREFIX = '.tmp-'

/** A file name that no other process uses and that tells who writes it: .tmp-<host>-<pid>-<random>. */
export function temporaryName(extension = ''): string {
  return `${PREFIX}${hostTag()}-${process.pid}-${randomBytes(6).toString('hex')}${extension}`
}

export function isTemporary(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** Whether the writer of a temporary file may still be at work: processes of other hosts are taken for alive. */
export function writerIsAlive(name: string): boolean {
  const match = /^\.tmp-([0-9a-z]+)-(\d+)-/.exec(name)
  if (match === null || match[1] !== hostTag()) return true
  return processIsAlive(Number(match[2]))
}

/** Whether a process of this host runs. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

let known: string | undefined

/** The host's name in the characters that a file name may hold; asked once, because every temporary file needs it. */
export function hostTag(): string {
  const letters = () =>
    hostname()
      .toLowerCase()
      .replaceAll(/[^0-9a-z]/g, '')
      .slice(0, 24)
  known ??= letters() || 'host'
  return known
}
