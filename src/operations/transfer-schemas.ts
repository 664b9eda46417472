import * as z from 'zod'

export const conditions = z.array(z.strictObject({ name: z.string(), met: z.boolean(), detail: z.string() })).readonly()

/** The cost of a transfer, and the cost of the traditional way for comparison. */
export const efficiency = z.looseObject({
  bytesPerSecond: z.number(),
  wallMs: z.number(),
  cpuMs: z.number(),
  requests: z.record(z.string(), z.number()).readonly(),
  retries: z.number(),
  bytesThroughThisMachine: z.number(),
  bytesOnDisk: z.number(),
  costUsd: z.number(),
  traditional: z.looseObject({ bytesThroughThisMachine: z.number(), bytesOnDisk: z.number(), costUsd: z.number() }),
})
