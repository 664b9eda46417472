import { type FileHandle, open } from 'node:fs/promises'
import * as z from 'zod'
import { LakehouseError } from '../../core/errors.ts'
import { readLines } from '../run/journal.ts'
import type { DiffBatch, TransferObject } from './diff.ts'

const header = z.strictObject({ plan: z.literal(1), source: z.string(), destination: z.string(), madeAt: z.string() })
const object = z.strictObject({
  key: z.string(),
  size: z.number(),
  etag: z.string(),
  lastModifiedMs: z.number(),
  reason: z.enum(['new', 'size', 'etag', 'time']),
  replaces: z.string().optional(),
})

/** Writes the objects of a plan into a file, a JSON object a line, while they pass through. */
export async function* savePlan(
  batches: AsyncIterable<DiffBatch>,
  path: string,
  places: { source: string; destination: string },
  madeAt: string,
): AsyncGenerator<DiffBatch> {
  const file: FileHandle = await open(path, 'w')
  try {
    await file.appendFile(`${JSON.stringify({ plan: 1, ...places, madeAt })}\n`)
    for await (const batch of batches) {
      if (batch.transfer.length > 0) await file.appendFile(`${batch.transfer.map((one) => JSON.stringify(one)).join('\n')}\n`)
      yield batch
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * The objects of a saved plan whose destination is still as it was when the plan was made; the source is compared when it is read. Throws PLAN_INVALID.
 */
export async function* loadPlan(
  path: string,
  places: { source: string; destination: string },
  isAsPlanned: (one: TransferObject) => Promise<boolean>,
): AsyncGenerator<DiffBatch> {
  let isFirst = true
  for await (const line of readLines(path)) {
    if (isFirst) {
      const found = header.safeParse(line)
      if (!found.success) throw new LakehouseError('PLAN_INVALID', `${path} does not begin as a plan does`, { details: { path } })
      if (found.data.source !== places.source || found.data.destination !== places.destination)
        throw new LakehouseError('PLAN_INVALID', `${path} is a plan for ${found.data.source} → ${found.data.destination}`, {
          details: { path },
        })
      isFirst = false
      continue
    }
    const found = object.safeParse(line)
    if (!found.success) throw new LakehouseError('PLAN_INVALID', `${path} holds a line that is no object of a plan`, { details: { path } })
    const one: TransferObject = { ...found.data, replaces: found.data.replaces }
    if (await isAsPlanned(one)) yield { transfer: [one], unchanged: [], extra: [] }
    else yield { transfer: [], unchanged: [one], extra: [] }
  }
  if (isFirst) throw new LakehouseError('PLAN_INVALID', `${path} is empty or not there`, { details: { path } })
}
