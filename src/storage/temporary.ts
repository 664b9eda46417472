import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

const PREFIX = '.tmp-'

/** Who writes: processes see each other only within one place; `start` tells processes that had the same number one after the other apart. */
export type Writer = { readonly place: string; readonly pid: number; readonly start: string }

let known: Writer | undefined

/** This process. Its place is a digest of what tells machines, boots and containers apart, whatever their host names are. */
export function thisWriter(): Writer {
  const parts = [hostname(), read('/etc/machine-id'), read('/proc/sys/kernel/random/boot_id'), readLink('/proc/self/ns/pid')]
  const place = () => createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
  known ??= { place: place(), pid: process.pid, start: startOf('self') ?? '0' }
  return known
}

/** Whether the writer still runs; undefined when that cannot be told from here: it works elsewhere, or the system does not tell when a process began. */
export function isRunning(writer: Writer): boolean | undefined {
  if (writer.place !== thisWriter().place) return undefined
  if (!processExists(writer.pid) || isDead(writer.pid)) return false
  const start = startOf(writer.pid)
  return start === undefined || writer.start === '0' ? undefined : start === writer.start
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** When a process began, in the kernel's ticks. */
function startOf(pid: number | 'self'): string | undefined {
  return statOf(pid)?.[19]
}

/** Whether a process has ended and only waits for its parent to ask for its exit code. */
function isDead(pid: number): boolean {
  return ['Z', 'X'].includes(statOf(pid)?.[0] ?? '')
}

/** The fields of a process's stat line after its name, which may hold anything: first its state. */
function statOf(pid: number | 'self'): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** A file name that no other process uses and that tells who writes it: .tmp-<place>-<pid>-<start>-<random>. */
export function temporaryName(extension = ''): string {
  const { place, pid, start } = thisWriter()
  return `${PREFIX}${place}-${pid}-${start}-${randomBytes(6).toString('hex')}${extension}`
}

/** Names as this program gives them; other names that begin alike are objects of others. */
const TEMPORARY = /^\.tmp-[0-9a-f]{16}-\d+-\d+-/

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name)
}

/** Who writes a temporary file, or undefined when its name does not tell. */
export function writerOf(name: string): Writer | undefined {
  const match = /^\.tmp-([0-9a-f]{16})-(\d+)-(\d+)-/.exec(name)
  return match === null ? undefined : { place: match[1] ?? '', pid: Number(match[2]), start: match[3] ?? '' }
}

/** False only for a temporary file whose writer is dead: a name that tells no writer is not ours to judge. */
export function mayBeAtWork(name: string): boolean {
  const writer = writerOf(name)
  return writer === undefined || isRunning(writer) !== false
}
