import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TableShape } from '../lake/iceberg/schema.ts'
import type { Layer } from '../lake/layout.ts'
import type { WriteOptions } from '../lake/tables/write-rows.ts'
import type { Lakehouse } from '../lakehouse/lakehouse.ts'
import type { ResultFormat } from '../query/run-query.ts'
import { temporaryName } from '../storage/temporary.ts'

/** What was stored: where, and its digest or its counts. */
export type StoredObject = { readonly location: string; readonly bytes: number; readonly sha256: string }
export type StoredRows = { readonly table: string; readonly rows: number; readonly files: number }

/** The layers of a lake, on disk or in a bucket, under the names of the specification. */
export class S3Storage {
  readonly #house: Lakehouse

  constructor(house: Lakehouse) {
    this.#house = house
  }

  /** Keeps bytes as they are, under a key below bronze/raw/; the same key with other bytes is refused with OBJECT_EXISTS. */
  async storeRawData(key: string, data: Uint8Array): Promise<StoredObject> {
    return await this.#house.withStore(async (store) => {
      const target = `bronze/raw/${key}`
      const sha256 = createHash('sha256').update(data).digest('hex')
      const held = (await store.head(target)) === undefined ? undefined : await store.get(target)
      if (held === undefined || Buffer.compare(held, data) !== 0) await store.put(target, data, { ifAbsent: true })
      return { location: `${store.url}/${target}`, bytes: data.length, sha256 }
    })
  }

  /** Writes the rows of a query (over files and values) into silver.<table>; a new table needs its shape. */
  async storeProcessedData(
    table: string,
    query: string,
    options: Partial<WriteOptions> & { shape?: TableShape } = {},
  ): Promise<StoredRows> {
    return await this.#store('silver', table, query, options)
  }

  /** The same into gold.<table>. */
  async storeAggregatedData(
    table: string,
    query: string,
    options: Partial<WriteOptions> & { shape?: TableShape } = {},
  ): Promise<StoredRows> {
    return await this.#store('gold', table, query, options)
  }

  /** The result of a SELECT in a format; tables without a layer are those of `layer`. */
  async queryData(query: string, layer: Layer, format: Exclude<ResultFormat, 'table'> = 'json'): Promise<Uint8Array> {
    const output = join(tmpdir(), temporaryName(`.${format}`))
    try {
      await this.#house.query(query, { format, output, asOf: undefined, layer })
      return await readFile(output)
    } finally {
      await rm(output, { force: true })
    }
  }

  async #store(layer: Layer, name: string, query: string, options: Partial<WriteOptions>): Promise<StoredRows> {
    const table = `${layer}.${name}`
    const written = await this.#house.withTables(true, (tables) => tables.write(table, query, { mode: 'append', ...options }))
    return { table, ...written }
  }
}
