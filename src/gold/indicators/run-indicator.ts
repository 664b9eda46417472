import { BLOCK_ROWS, type Kernel } from './indicator.ts'

/**
 * Runs a kernel over `rows` rows, block by block. A row with a missing input (NaN or not finite) has no value, and the kernel skips it.
 * Set `isWhole` when no input is missing, to save the check.
 */
export function runKernel(
  kernel: Kernel,
  inputs: readonly Float64Array[],
  outputs: readonly Float64Array[],
  rows: number,
  { isWhole = false }: { readonly isWhole?: boolean } = {},
): void {
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    const to = Math.min(from + BLOCK_ROWS, rows)
    const isAll = from === 0 && to === rows
    const ins = isAll ? inputs : inputs.map((input) => input.subarray(from, to))
    const outs = isAll ? outputs : outputs.map((output) => output.subarray(from, to))
    if (isWhole || ins.every((input) => areFinite(input, to - from))) kernel.run(ins, outs, to - from)
    else runWithHoles(kernel, ins, outs, to - from)
  }
}

function areFinite(values: Float64Array, rows: number): boolean {
  // A finite number times zero is zero. Four independent sums avoid waiting for each addition.
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let row = 0
  for (; row + 3 < rows; row += 4) {
    a += (values[row] as number) * 0
    b += (values[row + 1] as number) * 0
    c += (values[row + 2] as number) * 0
    d += (values[row + 3] as number) * 0
  }
  for (; row < rows; row++) a += (values[row] as number) * 0
  return a + b + c + d === 0
}

function runWithHoles(kernel: Kernel, inputs: readonly Float64Array[], outputs: readonly Float64Array[], rows: number): void {
  const wholeRows: number[] = []
  for (let row = 0; row < rows; row++) if (inputs.every((input) => Number.isFinite(input[row]))) wholeRows.push(row)
  const dense = inputs.map((input) => Float64Array.from(wholeRows, (row) => input[row] as number))
  const values = outputs.map(() => new Float64Array(wholeRows.length))
  kernel.run(dense, values, wholeRows.length)
  for (const [index, output] of outputs.entries()) {
    output.fill(Number.NaN, 0, rows)
    for (const [at, row] of wholeRows.entries()) output[row] = values[index]?.[at] as number
  }
}
