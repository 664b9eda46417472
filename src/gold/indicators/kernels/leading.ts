/** What another kernel has not given yet has no value here either: the first row that has one. */
export function skipLeading(input: Float64Array, output: Float64Array, rows: number): number {
  let row = 0
  while (row < rows && Number.isNaN(input[row])) output[row++] = Number.NaN
  return row
}
