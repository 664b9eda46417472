import * as z from 'zod'

export const conditions = z.array(z.strictObject({ name: z.string(), met: z.boolean(), detail: z.string() })).readonly()

/** What a transfer took, and what the traditional way would have taken. */
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
