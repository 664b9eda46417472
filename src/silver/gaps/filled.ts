import { fileNameOf } from '../../lake/iceberg/partition-folder.ts'

/** The name prefix of data files with filled rows. Such rows were not published: they come from other tables, and are stored beside the files made from bronze. */
export const FILLED_PREFIX = 'filled-'

/** Whether a data file holds rows that fill gaps. */
export function isFilled({ path }: { readonly path: string }): boolean {
  return fileNameOf(path).startsWith(FILLED_PREFIX)
}
