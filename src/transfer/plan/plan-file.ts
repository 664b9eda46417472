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

/** Writes the objects of a plan to a file, one JSON object per line, and passes the batches on. */
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
 * Reads a saved plan. Yields an object as unchanged when its destination has changed since the plan was made. The source is compared when it is read.
 * Throws PLAN_INVALID.
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
      if (!found.success)
        throw new LakehouseError('PLAN_INVALID', `${path} is not a plan file: make a plan with sync --plan-out`, { details: { path } })
      if (found.data.source !== places.source || found.data.destination !== places.destination)
        throw new LakehouseError(
          'PLAN_INVALID',
          `${path} is a plan for other addresses (${found.data.source} → ${found.data.destination}): name these, or make a new plan with sync --plan-out`,
          {
            details: { path },
          },
        )
      isFirst = false
      continue
    }
    const found = object.safeParse(line)
    if (!found.success)
      throw new LakehouseError(
        'PLAN_INVALID',
        `${path} holds a line that is not an object of a plan: make the plan again with sync --plan-out`,
        { details: { path } },
      )
    const one: TransferObject = { ...found.data, replaces: found.data.replaces }
    if (await isAsPlanned(one)) yield { transfer: [one], unchanged: [], extra: [] }
    else yield { transfer: [], unchanged: [one], extra: [] }
  }
  if (isFirst)
    throw new LakehouseError('PLAN_INVALID', `the plan file ${path} is empty or does not exist: make a plan with sync --plan-out`, {
      details: { path },
    })
}
