import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { EngineId } from '../engines/engine.ts'
import type { Proof } from '../engines/proof.ts'
import type { KnownCopy } from '../plan/compare.ts'

/** The final state of an object. */
type ObjectState = 'copied' | 'failed' | 'vanished' | 'deleted'

export type JournalEntry = {
  readonly key: string
  readonly state: ObjectState
  readonly size: number
  readonly etag: string
  readonly engine?: EngineId
  readonly proof?: Proof
  /** The ETag of the copy, if it differs from that of the source. */
  readonly copy?: string
  /** Earlier attempts: engine and error code. */
  readonly history?: readonly string[]
  readonly error?: string
}

const LINES = 4096
const FLUSH_MS = 1000

/** Appends lines to a file, and makes them durable every few thousand lines or every second. Readers skip a line that a crash has truncated. */
class LineFile {
  readonly #path: string
  #file: Promise<FileHandle> | undefined
  #lines: string[] = []
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
  }

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length >= LINES)
      void this.flush().catch(() => {}) // `close` reports the error
    else this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), FLUSH_MS).unref()
  }

  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#lines
    this.#lines = []
    if (lines.length > 0) this.#writing = this.#writing.then(() => this.#append(`${lines.join('\n')}\n`))
    return this.#writing
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      const file = await this.#file?.catch(() => undefined) // `flush` reports the error
      this.#file = undefined
      await file?.close()
    }
  }

  async #append(text: string): Promise<void> {
    this.#file ??= openForAppend(this.#path)
    const file = await this.#file
    await file.appendFile(text)
    await file.datasync()
  }
}

/** Opens a file for appending. Ends the last line if a crash has truncated it, so that the next line starts on its own. */
async function openForAppend(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  const { size } = await file.stat()
  if (size > 0) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    if (buffer[0] !== 10) await file.appendFile('\n')
  }
  return file
}

/** The journal of transfers between two addresses: the lines of each run, and the copies whose ETag differs from that of their source. */
export class Journal {
  readonly known = new Map<string, KnownCopy>()
  readonly #knownFile: LineFile
  readonly #run: LineFile

  private constructor(folder: string, run: string) {
    this.#knownFile = new LineFile(join(folder, 'known.ndjson'))
    this.#run = new LineFile(join(folder, 'runs', `${run}.ndjson`))
  }

  static async open(folder: string, run: string): Promise<Journal> {
    const journal = new Journal(folder, run)
    for await (const line of readLines(join(folder, 'known.ndjson'))) {
      const { key, source, destination } = line as { key: string } & KnownCopy
      journal.known.set(key, { source, destination })
    }
    return journal
  }

  add(entry: JournalEntry): void {
    this.#run.add(JSON.stringify(entry))
    if (entry.state !== 'copied' || entry.copy === undefined) return
    this.#knownFile.add(JSON.stringify({ key: entry.key, source: entry.etag, destination: entry.copy }))
    this.known.set(entry.key, { source: entry.etag, destination: entry.copy })
  }

  /** Resolves when all lines are durable. */
  async close(): Promise<void> {
    try {
      await this.#knownFile.close()
    } finally {
      await this.#run.close()
    }
  }
}

/** The lines of a file as JSON values. Skips lines that are not valid JSON, because a crash has truncated them. */
export async function* readLines(path: string): AsyncGenerator<unknown> {
  if (!existsSync(path)) return
  for await (const line of createInterface({ input: createReadStream(path) })) {
    try {
      yield JSON.parse(line)
    } catch {
      // truncated by a crash
    }
  }
}
