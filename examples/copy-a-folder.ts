// Makes one store hold what another one holds, and says what the copy took: node examples/copy-a-folder.ts FROM TO
// Both are addresses: a folder, s3://bucket/prefix?endpoint=…, or https://host/bucket/prefix to read from.
import { configSchema, DEFAULT_REQUEST, Transfers } from '../src/index.ts'

const [, , source = '.', destination = './copy', state = './copy-state'] = process.argv
const transfers = new Transfers(configSchema.parse({ sync: { state } }))
const { counts, errors } = await transfers.sync(DEFAULT_REQUEST, {
  source,
  destination,
  bytesPerSecond: undefined,
  requestsPerSecond: undefined,
  drain: new AbortController().signal,
  onProgress: () => {},
  onNotice: () => {},
})
for (const error of errors) process.stderr.write(`${error.code}: ${error.message}\n`)
process.stdout.write(`${counts.objectsCopied} copied, ${counts.objectsSkipped} there already\n`)
