/** The first row that has a value: rows before the first value of another kernel have none. */
export function skipLeading(input: Float64Array, output: Float64Array, rows: number): number {
  let row = 0
  while (row < rows && Number.isNaN(input[row])) output[row++] = Number.NaN
  return row
}
