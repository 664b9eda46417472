import { LakehouseError } from '../../core/errors.ts'
import type { DuckDBSession } from '../../platform/duckdb/session.ts'
import { EXCHANGE_IDS } from '../../sources/registry.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type CommitDeps, update } from '../iceberg/commit.ts'
import { judgeCommit } from '../iceberg/judge-commit.ts'
import { parseMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { applyUpdates, blankMetadata, type CommitRequest, checkRequirements, createdMetadata, type createRequest } from '../iceberg/rest.ts'
import { loadTable, metadataKey, type Table, urlOf } from '../iceberg/table.ts'
import type { Lake } from '../lake.ts'
import { LAYERS, type Layer, tableKey } from '../layout.ts'
import { listTables } from '../tables/list-tables.ts'
import { judgeFiles } from './judge-files.ts'

/** A table as a catalog returns it: its metadata and the location of the metadata (null for a staged table). */
export type CatalogTable = { readonly location: string | null; readonly metadata: TableMetadata }

/** The tables of a lake as an Iceberg catalog, with one namespace per layer. Commits of external clients follow the same rules as our own. */
export class LakeCatalog {
  readonly #store: ObjectStore
  readonly #commits: CommitDeps
  readonly #session: DuckDBSession
  readonly #publish: (root: string) => Promise<unknown>

  constructor(lake: Pick<Lake, 'store' | 'commits' | 'session' | 'publish'>) {
    this.#store = lake.store
    this.#commits = lake.commits
    this.#session = lake.session
    this.#publish = (root) => lake.publish(root)
  }

  /** Settings by which a client reaches the files; never credentials. */
  get clientSettings(): Readonly<Record<string, string>> {
    return this.#store.clientSettings
  }

  /** Where the lake lies; for masking it in answers to clients. */
  get address(): string {
    return this.#store.url
  }

  isNamespace(name: string): name is Layer {
    return LAYERS.includes(name as Layer)
  }

  async tables(namespace: Layer): Promise<string[]> {
    return await listTables(this.#store, namespace)
  }

  /** Throws TABLE_NOT_FOUND. */
  async load(namespace: string, name: string): Promise<CatalogTable> {
    const table = await this.#find(namespace, name)
    if (table === undefined) throw notFound(namespace, name)
    return this.#shown(table)
  }

  /** Creates a table, or with `stage-create` only returns its metadata. Throws OBJECT_EXISTS, SCHEMA_CHANGE_INVALID. */
  async create(namespace: Layer, request: (typeof createRequest)['_output']): Promise<CatalogTable> {
    const root = rootOf(namespace, request.name)
    const location = urlOf(this.#store, root)
    const asked = request.location?.replace(/\/$/, '')
    if (asked !== undefined && asked !== location)
      throw new LakehouseError(
        'SCHEMA_CHANGE_INVALID',
        `cannot create ${namespace}.${request.name} at ${asked}: leave the location out, or use ${location}`,
      )
    const metadata = createdMetadata(location, request, this.#commits.nowMs())
    await this.#requireName(namespace, request.name)
    judgeCommit(undefined, metadata, this.#commits.nowMs())
    if ((await loadTable(this.#store, root)) !== undefined) throw exists(namespace, request.name)
    if (request['stage-create'] === true) return { location: null, metadata }
    const table = await update(this.#store, root, this.#commits, async (current) => {
      if (current !== undefined) throw exists(namespace, request.name)
      return metadata
    })
    return await this.#changed(table ?? fail(namespace, request.name))
  }

  /** Creates a table from metadata that is already in the lake. Throws OBJECT_EXISTS, TABLE_UNSUPPORTED. */
  async register(namespace: Layer, name: string, location: string): Promise<CatalogTable> {
    const base = `${this.#store.url}/`
    const root = rootOf(namespace, name)
    if (!location.startsWith(base))
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot register ${namespace}.${name}: ${location} is not in the lake ${this.#store.url}; copy the table into the lake first`,
      )
    const key = location.slice(base.length)
    const metadata = parseMetadata(await this.#store.get(key), key)
    if (metadata.location !== urlOf(this.#store, root))
      throw new LakehouseError(
        'TABLE_UNSUPPORTED',
        `cannot register ${namespace}.${name}: its metadata names the location ${metadata.location}, but the table must be at ${urlOf(this.#store, root)}`,
      )
    const table = await update(this.#store, root, this.#commits, async (current) => {
      if (current !== undefined) throw exists(namespace, name)
      return await this.#judged(undefined, root, metadata)
    })
    return await this.#changed(table ?? fail(namespace, name))
  }

  /** Applies updates if every requirement holds. Throws COMMIT_CONFLICT, TABLE_NOT_FOUND, SCHEMA_CHANGE_INVALID, SNAPSHOT_NOT_FOUND. */
  async commit(namespace: Layer, name: string, { requirements, updates }: CommitRequest): Promise<CatalogTable> {
    const root = rootOf(namespace, name)
    const nowMs = this.#commits.nowMs()
    const creates = requirements.some((one) => one.type === 'assert-create')
    const table = await update(this.#store, root, this.#commits, async (current) => {
      checkRequirements(current?.metadata, requirements)
      if (current === undefined && !creates) throw notFound(namespace, name)
      const next = applyUpdates(current?.metadata ?? blankMetadata(urlOf(this.#store, root), nowMs), updates, nowMs)
      if (updates.length === 0) return undefined
      return await this.#judged(current, root, next)
    })
    return await this.#changed(table ?? fail(namespace, name))
  }

  /** The metadata of a commit that may be accepted. Throws SCHEMA_CHANGE_INVALID, COMMIT_CONFLICT. */
  async #judged(current: Table | undefined, root: string, metadata: TableMetadata): Promise<TableMetadata> {
    // A registered table brings its history with it.
    const isRegistered = current === undefined && metadata.snapshots.length > 0
    if (!isRegistered) judgeCommit(current?.metadata, metadata, this.#commits.nowMs())
    await judgeFiles(this.#session, current, { store: this.#store, root, metadata })
    return metadata
  }

  /** Names that differ only in case are one name for SQL engines, and for some file systems. */
  async #requireName(namespace: Layer, name: string): Promise<void> {
    const twin = (await this.tables(namespace)).find((other) => other !== name && other.toLowerCase() === name.toLowerCase())
    if (twin !== undefined)
      throw new LakehouseError(
        'SCHEMA_CHANGE_INVALID',
        `cannot create ${namespace}.${name}: the table ${namespace}.${twin} differs only in case; choose another name`,
      )
  }

  async #find(namespace: string, name: string): Promise<Table | undefined> {
    return this.isNamespace(namespace) && /^\w+$/.test(name) ? await loadTable(this.#store, tableKey(namespace, name)) : undefined
  }

  async #changed(table: Table): Promise<CatalogTable> {
    await this.#publish(table.root)
    return this.#shown(table)
  }

  #shown({ root, version, metadata }: Table): CatalogTable {
    return { location: urlOf(this.#store, metadataKey(root, version)), metadata }
  }
}

/** Folders of bronze that are not tables. */
const TAKEN: readonly string[] = [...EXCHANGE_IDS, 'raw']

function rootOf(namespace: Layer, name: string): string {
  if (name.startsWith('_') || (namespace === 'bronze' && TAKEN.includes(name)))
    throw new LakehouseError(
      'SCHEMA_CHANGE_INVALID',
      `cannot name a table ${namespace}.${name}: the lake uses this folder for other files; choose another name`,
    )
  if (!/^\w+$/.test(name))
    throw new LakehouseError('SCHEMA_CHANGE_INVALID', `"${name}" is not a valid table name: use letters, digits and _`)
  return tableKey(namespace, name)
}

function notFound(namespace: string, name: string): LakehouseError {
  return new LakehouseError('TABLE_NOT_FOUND', `table ${namespace}.${name} does not exist: see \`status\``, {
    details: { table: `${namespace}.${name}` },
  })
}

function exists(namespace: string, name: string): LakehouseError {
  return new LakehouseError('OBJECT_EXISTS', `table ${namespace}.${name} already exists: choose another name`, {
    details: { table: `${namespace}.${name}` },
  })
}

function fail(namespace: string, name: string): never {
  throw notFound(namespace, name)
}
