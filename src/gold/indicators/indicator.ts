/** The maximum number of rows in one kernel run, so that intermediate values stay in the cache of the processor. */
export const BLOCK_ROWS = 4096

/**
 * The single definition of an indicator, for a whole series and for the next bar alike. It continues from its memory, so that a series gives the same values,
 * bit for bit, however it is divided into blocks. Fresh memory is all zeros.
 */
export type Kernel = {
  /** The complete memory of the kernel. */
  readonly memory: readonly Float64Array[]
  /** Takes the next rows (at most BLOCK_ROWS, the first `rows` of each array), which must be finite. Writes one value per row, or NaN during warm-up. */
  run(inputs: readonly Float64Array[], outputs: readonly Float64Array[], rows: number): void
}

/** Columns of bars. `time` is the open time in µs; `benchmark` is the close of the bar of another symbol at the same time. */
export type InputName = 'time' | 'open' | 'high' | 'low' | 'close' | 'volume' | 'quote_volume' | 'benchmark'

export type Parameter = {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly integer: boolean
  readonly meaning: string
}

export type Parameters = Readonly<Record<string, Parameter>>

export type Indicator = {
  readonly id: string
  readonly name: string
  readonly meaning: string
  readonly parameters: Parameters
  readonly inputs: readonly InputName[]
  /** The names of its output columns, in order. A single output has the name of the indicator. */
  readonly outputs: readonly string[]
  /** Rows before the first value. */
  lookback(parameters: Readonly<Record<string, number>>): number
  /** For a recursive indicator, the number of rows after which the start of the series changes a value by less than one part in a billion. 0 for an indicator over a window. */
  unstable(parameters: Readonly<Record<string, number>>): number
  /** Where the formula comes from. */
  readonly reference: string
  create(parameters: Readonly<Record<string, number>>): Kernel
}

/** Defines an indicator whose functions receive its parameters by name. */
export function indicator<const P extends Parameters>(definition: {
  readonly id: string
  readonly name: string
  readonly meaning: string
  readonly parameters: P
  readonly inputs: readonly InputName[]
  readonly outputs: readonly string[]
  lookback(parameters: { readonly [K in keyof P]: number }): number
  unstable?(parameters: { readonly [K in keyof P]: number }): number
  readonly reference: string
  create(parameters: { readonly [K in keyof P]: number }): Kernel
}): Indicator {
  return { unstable: () => 0, ...definition } as unknown as Indicator
}

/** A parameter that counts bars. */
export function bars(usual: number, min = 1, meaning = 'bars'): Parameter {
  return { default: usual, min, max: 100_000, integer: true, meaning }
}

/** A parameter that is a factor. */
export function factor(usual: number, meaning: string, min = 0, max = 1000): Parameter {
  return { default: usual, min, max, integer: false, meaning }
}

/** The number of rows after which a smoothing that keeps the share `kept` per row retains less than one part in a billion of the past. */
export function forgetting(kept: number): number {
  return kept <= 0 ? 0 : Math.ceil(Math.log(1e-9) / Math.log(kept))
}

/** Arrays for intermediate values of a kernel. */
export function scratch(count: number): Float64Array[] {
  return Array.from({ length: count }, () => new Float64Array(BLOCK_ROWS))
}
