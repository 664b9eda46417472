import type { ObjectStore } from '../../storage/object-store.ts'
import { type CommitDeps, commit } from '../iceberg/commit.ts'
import type { DataFile } from '../iceberg/manifest.ts'
import type { TableShape } from '../iceberg/schema.ts'
import { keyOf, liveFiles, loadTable, snapshotOf, type Table } from '../iceberg/table.ts'

/** The new content of one partition: existing files by name, and new files that are finished at a temporary path. */
export type PartitionChange = {
  readonly partition: number | undefined
  /** URLs of the live files of the partition when the change was planned. If they differ at commit, the change is refused. */
  readonly seen: ReadonlySet<string>
  readonly remove: ReadonlySet<string>
  readonly add: readonly { readonly file: DataFile; readonly temporary: string }[]
}

/**
 * Commits partition changes of one table one after the other. Changes that wait during a commit go together into the next commit.
 * New files get their names only when their commit begins, so that a killed run leaves few files behind.
 */
export class CommitQueue {
  readonly #store: ObjectStore
  readonly #root: string
  readonly #shape: TableShape
  readonly #deps: CommitDeps
  readonly #run: string
  readonly #branch: string | undefined
  readonly #before: () => Promise<void>
  #waiting: { change: PartitionChange; resolve: (done: 'committed' | 'conflict') => void; reject: (error: unknown) => void }[] = []
  #working = false

  /** `before` is awaited before each commit: the ledger events about the new files must be durable before the files are. With `branch`, readers of the table do not see the commits. */
  constructor(options: {
    store: ObjectStore
    root: string
    shape: TableShape
    deps: CommitDeps
    run: string
    before?: () => Promise<void>
    branch?: string | undefined
  }) {
    this.#before = options.before ?? (async () => {})
    this.#store = options.store
    this.#root = options.root
    this.#shape = options.shape
    this.#deps = options.deps
    this.#run = options.run
    this.#branch = options.branch
  }

  /** Resolves when the change is committed, or with 'conflict' when another writer has changed the partition since it was planned. */
  submit(change: PartitionChange): Promise<'committed' | 'conflict'> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject })
      if (!this.#working) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#working = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      try {
        const refused = await this.#commit(batch.map(({ change }) => change))
        for (const { change, resolve } of batch) resolve(refused.has(change) ? 'conflict' : 'committed')
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#working = false
  }

  async #commit(changes: readonly PartitionChange[]): Promise<Set<PartitionChange>> {
    const refused = new Set<PartitionChange>()
    const clashing = new Set<PartitionChange>()
    await this.#before()
    for (const change of changes) if (!(await this.#publish(change))) clashing.add(change)
    await commit(this.#store, this.#root, this.#shape, this.#deps, async (current) => {
      refused.clear()
      for (const change of clashing) refused.add(change)
      const live = await filesByPartition(current, this.#branch)
      for (const change of changes) if (!sameFiles(change.seen, live.get(change.partition) ?? [])) refused.add(change)
      const good = changes.filter((change) => !refused.has(change))
      const add = good.flatMap((change) => change.add.map(({ file }) => file))
      const remove = new Set(good.flatMap((change) => [...change.remove]))
      if (add.length + remove.size === 0) return undefined
      const branch = this.#branch === undefined ? {} : { branch: this.#branch }
      return { operation: remove.size === 0 ? 'append' : 'overwrite', add, remove, summary: { 'lakehouse.run': this.#run }, ...branch }
    })
    if (refused.size > 0) this.#deps.onConflict()
    return refused
  }

  /**
   * Gives the files of a change their names. A live file with the same name was made from the same inputs and stays. A file that is not live is replaced,
   * so that the removal of old files sees a new one. So is a live file that the change removes, because it is damaged. Returns false when another live file differs.
   */
  async #publish({ add, remove }: PartitionChange): Promise<boolean> {
    for (const { file, temporary } of add) {
      const key = keyOf(this.#store, file.path)
      if (await this.#store.files.publish(temporary, key, { replace: false })) continue
      const live = await filesByPartition(await loadTable(this.#store, this.#root), this.#branch)
      const isLive = live.get(partitionOf(file))?.some(({ path }) => path === file.path) === true
      if (!isLive || remove.has(file.path)) await this.#store.files.publish(temporary, key, { replace: true })
      else if ((await this.#store.head(key))?.size !== file.bytes) return false
    }
    return true
  }
}

function sameFiles(seen: ReadonlySet<string>, live: readonly DataFile[]): boolean {
  return seen.size === live.length && live.every((file) => seen.has(file.path))
}

/** The live files of a table by partition value, of a branch if the table has it. */
export async function filesByPartition(table: Table | undefined, branch?: string): Promise<Map<number | undefined, DataFile[]>> {
  const found = new Map<number | undefined, DataFile[]>()
  if (table === undefined) return found
  const head = branch === undefined || table.metadata.refs[branch] === undefined ? undefined : { tag: branch }
  for await (const file of liveFiles(table, snapshotOf(table, head))) {
    const same = found.get(partitionOf(file))
    if (same === undefined) found.set(partitionOf(file), [file])
    else same.push(file)
  }
  return found
}

/** The period of a file, or undefined when the table is not partitioned. */
function partitionOf({ partition: [value] }: DataFile): number | undefined {
  return typeof value === 'number' ? value : undefined
}
