import { bulkIngestion } from './bulk-ingestion/bulk-ingestion.ts'

/** Every flow by its id. A new one is a file, or a folder of its steps, beside this and a line here. */
export const FLOWS = { [bulkIngestion.id]: bulkIngestion } as const
