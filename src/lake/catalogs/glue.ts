import {
  type Column,
  CreateDatabaseCommand,
  CreateTableCommand,
  GetTableCommand,
  GlueClient,
  type Table as GlueTable,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue'
import { asLakehouseError, LakehouseError } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { loadTable, metadataKey, required, type Table, urlOf, versionIn } from '../iceberg/table.ts'
import type { IcebergType } from '../iceberg/values.ts'

/** Where tables are published. A layer's database is named by the prefix and the layer. `endpoint` is empty for AWS itself. */
export type GlueSettings = { readonly region: string; readonly databasePrefix: string; readonly endpoint: string }

/** The result of publishing a table to Glue. */
export type GluePublication = 'created' | 'updated' | 'unchanged' | 'newer'

const ATTEMPTS = 5

/**
 * The AWS Glue catalog, where Athena and others find Iceberg tables by `metadata_location`. Glue accepts a change only for the version that it was made for.
 * When another writer changes the table at the same time, the table is read again. A newer version of ours is never replaced by an older one.
 */
export class GlueCatalog {
  readonly #settings: GlueSettings
  readonly #client: GlueClient
  readonly #databases = new Set<string>()

  constructor(settings: GlueSettings) {
    this.#settings = settings
    const { region, endpoint } = settings
    // The client waits and repeats by itself when Glue asks for it.
    this.#client = new GlueClient({ region, maxAttempts: ATTEMPTS, ...(endpoint === '' ? {} : { endpoint }) })
  }

  /** Publishes the current version of the table. Throws TABLE_NOT_FOUND, CATALOG_FAILED. */
  async publish(store: ObjectStore, root: string): Promise<GluePublication> {
    const table = required(await loadTable(store, root), root)
    try {
      return await this.#publish(table)
    } catch (error) {
      throw new LakehouseError('CATALOG_FAILED', `Glue did not accept the table ${root}: ${asLakehouseError(error).message}`, {
        details: { table: root },
        cause: error,
      })
    }
  }

  close(): void {
    this.#client.destroy()
  }

  async #publish(table: Table): Promise<GluePublication> {
    const [layer = '', name = ''] = table.root.split('/')
    const database = this.#settings.databasePrefix + layer
    await this.#makeDatabase(database)
    const client = this.#client
    for (let attempt = 1; ; attempt++) {
      const held = await this.#held(database, name)
      const location = urlOf(table.store, metadataKey(table.root, table.version))
      const before = held?.Parameters?.['metadata_location']
      if (before === location) return 'unchanged'
      if ((versionIn(before ?? '') ?? 0) > table.version) return 'newer'
      const input = tableInput(table, name, location, before)
      try {
        if (held === undefined) await client.send(new CreateTableCommand({ DatabaseName: database, TableInput: input }))
        else
          await client.send(
            new UpdateTableCommand({ DatabaseName: database, TableInput: input, SkipArchive: true, VersionId: held.VersionId }),
          )
        return held === undefined ? 'created' : 'updated'
      } catch (error) {
        const isRace = error instanceof Error && /ConcurrentModification|AlreadyExists|VersionMismatch/.test(error.name)
        if (!isRace || attempt === ATTEMPTS) throw error
      }
    }
  }

  async #held(database: string, name: string): Promise<GlueTable | undefined> {
    try {
      return (await this.#client.send(new GetTableCommand({ DatabaseName: database, Name: name }))).Table
    } catch (error) {
      if (error instanceof Error && error.name === 'EntityNotFoundException') return undefined
      throw error
    }
  }

  async #makeDatabase(name: string): Promise<void> {
    if (this.#databases.has(name)) return
    try {
      await this.#client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name, Description: 'Tables of a crypto-lakehouse' } }))
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'AlreadyExistsException') throw error
    }
    this.#databases.add(name)
  }
}

function tableInput({ metadata, shape }: Table, name: string, location: string, before: string | undefined): TableInput {
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      table_type: 'ICEBERG',
      metadata_location: location,
      ...(before === undefined ? {} : { previous_metadata_location: before }),
    },
    StorageDescriptor: {
      Location: metadata.location,
      Columns: shape.fields.map(
        ({ id, name: column, type, doc }): Column => ({
          Name: column,
          Type: hiveType(type),
          ...(doc === undefined ? {} : { Comment: doc.slice(0, 255) }),
          Parameters: { 'iceberg.field.id': String(id), 'iceberg.field.current': 'true', 'iceberg.field.optional': 'true' },
        }),
      ),
    },
  }
}

/** The Hive name of a type. */
function hiveType(type: IcebergType): string {
  if (type === 'long') return 'bigint'
  if (type === 'timestamptz') return 'timestamp'
  return type.replace(' ', '')
}
