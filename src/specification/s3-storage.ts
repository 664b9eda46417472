import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LakehouseError } from '../core/errors.ts'
import type { Layer } from '../lake/layout.ts'
import { withOwnDigest } from '../lake/own-digest.ts'
import type { WriteOptions } from '../lake/tables/write-rows.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import { Tables } from '../lakehouse/tables.ts'
import type { ResultFormat } from '../query/run-query.ts'
import { digestOf } from '../storage/digests.ts'
import { temporaryName } from '../storage/temporary.ts'
import { type TabularData, withSelect } from './tabular-data.ts'

/** What is known of raw data. `key` names the object; the rest is kept beside it as JSON. */
export type RawMetadata = { readonly key: string } & Readonly<Record<string, unknown>>

/** Where raw data lie, their size and their SHA-256. */
export type StoredObject = { readonly location: string; readonly bytes: number; readonly sha256: string }

/** The table that holds the rows, and how many rows in how many files were written. */
export type StoredRows = { readonly table: string; readonly rows: number; readonly files: number }

/** The layers of a lake, on disk or in a bucket. */
export class S3Storage {
  readonly #lakehouse: Lakehouse

  constructor(lakehouse: Lakehouse) {
    this.#lakehouse = lakehouse
  }

  /** Keeps bytes unchanged at bronze/raw/<key>, and their metadata, which end with their own digest, at bronze/raw/<key>.metadata.json. Throws OBJECT_EXISTS if the key holds other bytes. */
  async storeRawData(data: Uint8Array | string, metadata: RawMetadata): Promise<StoredObject> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    return await this.#lakehouse.withStore(async (store) => {
      const key = `bronze/raw/${metadata.key}`
      const sha256 = digestOf(bytes)
      const held = (await store.head(key)) === undefined ? undefined : await store.get(key)
      if (held === undefined || Buffer.compare(held, bytes) !== 0) await store.put(key, bytes, { ifAbsent: true })
      await store.put(`${key}.metadata.json`, withOwnDigest(JSON.stringify({ ...metadata, bytes: bytes.length, sha256 }, undefined, 1)))
      return { location: `${store.url}/${key}`, bytes: bytes.length, sha256 }
    })
  }

  /**
   * Writes rows into the table silver.<market>_<type>. A table that does not exist is made with the columns of the data.
   * Throws USAGE for data that are not tabular, QUERY_FAILED for columns that the table does not have.
   */
  async storeProcessedData(data: TabularData, market: string, type: string, options: Partial<WriteOptions> = {}): Promise<StoredRows> {
    return await this.#store(`silver.${tableName('market', market)}_${tableName('type', type)}`, data, options)
  }

  /** Writes rows into the table gold.<aggregation>; otherwise as `storeProcessedData`. */
  async storeAggregatedData(data: TabularData, aggregation: string, options: Partial<WriteOptions> = {}): Promise<StoredRows> {
    return await this.#store(`gold.${tableName('aggregation', aggregation)}`, data, options)
  }

  /** The result of a SELECT in a format. A table without a layer is looked for in `layer`. */
  async queryData(query: string, layer: Layer, format: Exclude<ResultFormat, 'table'> = 'json'): Promise<Uint8Array> {
    const output = join(tmpdir(), temporaryName(`.${format}`))
    try {
      await this.#lakehouse.query(query, { format, output, asOf: undefined, layer })
      return await readFile(output)
    } finally {
      await rm(output, { force: true })
    }
  }

  async #store(table: string, data: TabularData, options: Partial<WriteOptions>): Promise<StoredRows> {
    return await withSelect(data, (select) =>
      this.#lakehouse.use('make', async (lake) => {
        const tables = new Tables(lake)
        const shape = options.shape ?? (await tables.shapeOf(select))
        return { table, ...(await tables.write(table, select, { mode: 'append', ...options, shape })) }
      }),
    )
  }
}

/** aggTrades → agg_trades. Throws USAGE for what cannot be a part of a table's name. */
function tableName(what: string, name: string): string {
  const written = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(written))
    throw new LakehouseError('USAGE', `${what} "${name}" cannot name a table: use letters, digits and _, with a letter first`)
  return written
}
