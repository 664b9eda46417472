import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { EngineId } from '../engines/engine.ts'
import type { Proof } from '../engines/proof.ts'
import type { KnownCopy } from '../plan/compare.ts'

/** How an object ended. */
type ObjectState = 'copied' | 'failed' | 'vanished' | 'deleted'

export type JournalEntry = {
  readonly key: string
  readonly state: ObjectState
  readonly size: number
  readonly etag: string
  readonly engine?: EngineId
  readonly proof?: Proof
  /** The copy's ETag where it is not the source's. */
  readonly copy?: string
  /** What was tried before: engine and error code. */
  readonly history?: readonly string[]
  readonly error?: string
}

const LINES = 4096
const FLUSH_MS = 1000

/** Lines appended to a file, made durable a few thousand at a time or once a second. A line that a crash cuts is left out when they are read. */
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
      void this.flush().catch(() => {}) // told by `close`
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
      const file = await this.#file?.catch(() => undefined) // told by `flush`
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

/** After a crash the last line may lack its end: it is ended, so that the next one does not hang on to it. */
async function openForAppend(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+')
  const { size } = await file.stat()
  if (size > 0) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    if (buffer[0] !== 10) await file.appendFile('\n')
  }
  return file
}

/** What is remembered of a transfer between two places: each run's lines, and the copies whose ETag is not their source's. */
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

/** The lines of a file as JSON values; those that are none, because a crash cut them, are passed over. */
export async function* readLines(path: string): AsyncGenerator<unknown> {
  if (!existsSync(path)) return
  for await (const line of createInterface({ input: createReadStream(path) })) {
    try {
      yield JSON.parse(line)
    } catch {
      // cut by a crash
    }
  }
}
