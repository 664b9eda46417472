import { existsSync, readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { asLakehouseError, LakehouseError } from '../core/errors.ts'
import { localStore, makeFolder } from '../storage/local.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { LAKE_FORMAT, LAKE_MARKER } from './layout.ts'

const marker = z.object({ format: z.number().int() })

/** The directory that a lake address names. Throws CONFIG_INVALID for addresses that no backend serves. */
export function lakeDirectory(address: string): string {
  if (/^[a-z0-9]+:\/\//.test(address) && !address.startsWith('file://')) {
    throw new LakehouseError('CONFIG_INVALID', `lakes live in local directories so far, not at ${address}`, { details: { lake: address } })
  }
  return resolve(address.startsWith('file://') ? fileURLToPath(address) : address)
}

/** Opens the lake at an address for writing; an empty or missing directory becomes one. Throws LAKE_FORMAT_UNSUPPORTED, CONFIG_INVALID. */
export async function openLake(address: string): Promise<ObjectStore> {
  const directory = lakeDirectory(address)
  const store = localStore(directory)
  if (existsSync(directory) && !statSync(directory).isDirectory()) {
    throw new LakehouseError('CONFIG_INVALID', `the lake ${directory} is a file, not a directory`, { details: { lake: directory } })
  }
  if ((await store.head(LAKE_MARKER)) === undefined) {
    if (existsSync(directory) && readdirSync(directory).some((name) => !name.startsWith('.'))) {
      throw new LakehouseError(
        'LAKE_FORMAT_UNSUPPORTED',
        `${directory} holds other things and no ${LAKE_MARKER}: choose an empty directory`,
        { details: { lake: directory } },
      )
    }
    await makeFolder(directory).catch((error: unknown) => {
      throw new LakehouseError('CONFIG_INVALID', `the lake ${directory} cannot be made: ${asLakehouseError(error).message}`, {
        details: { lake: directory },
      })
    })
    await store.put(LAKE_MARKER, Buffer.from(`${JSON.stringify({ format: LAKE_FORMAT })}\n`))
  }
  await checkFormat(store)
  return store
}

/** Opens a lake for reading. Throws LAKE_NOT_FOUND, LAKE_FORMAT_UNSUPPORTED. */
export async function openExistingLake(address: string): Promise<ObjectStore> {
  const store = localStore(lakeDirectory(address))
  if ((await store.head(LAKE_MARKER)) === undefined) {
    throw new LakehouseError('LAKE_NOT_FOUND', `there is no lake at ${lakeDirectory(address)}: ingest something first, or check --lake`, {
      details: { lake: address },
    })
  }
  await checkFormat(store)
  return store
}

async function checkFormat(store: ObjectStore): Promise<void> {
  const text = Buffer.from(await store.get(LAKE_MARKER)).toString('utf8')
  let format: number | undefined
  try {
    format = marker.parse(JSON.parse(text)).format
  } catch {
    format = undefined
  }
  if (format !== LAKE_FORMAT) {
    throw new LakehouseError(
      'LAKE_FORMAT_UNSUPPORTED',
      `${store.url}/${LAKE_MARKER} is of format ${format ?? 'unknown'}; this version reads ${LAKE_FORMAT}`,
      { details: { lake: store.url } },
    )
  }
}
