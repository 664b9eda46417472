import { fileNameOf } from '../../lake/iceberg/partition-folder.ts'

/** Data files of rows that nobody published begin so: they are made of other tables and lie beside those that are made of bronze. */
export const FILLED_PREFIX = 'filled-'

/** Whether a data file holds rows that fill gaps. */
export function isFilled({ path }: { readonly path: string }): boolean {
  return fileNameOf(path).startsWith(FILLED_PREFIX)
}
