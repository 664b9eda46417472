/** Kernels see so many rows at once at most: what they keep between their passes stays in the processor's cache. */
export const BLOCK_ROWS = 4096

/**
 * The one definition of an indicator, for a whole series as for the next bar: it goes on from what it remembers, so that any way of cutting a series into blocks gives the same values,
 * bit for bit. Fresh memory is all zeros.
 */
export type Kernel = {
  /** All that is remembered. */
  readonly memory: readonly Float64Array[]
  /** Takes the next rows (at most BLOCK_ROWS; the first `rows` of each array), all of them finite, and writes a value or, during warm-up, NaN for each. */
  run(inputs: readonly Float64Array[], outputs: readonly Float64Array[], rows: number): void
}

/** Columns of bars. `time` is the opening time in µs; `benchmark` the close of another symbol's bar of the same time. */
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
  /** The columns that it gives, in order. The first is named by the indicator alone where there is no other. */
  readonly outputs: readonly string[]
  /** Rows before the first value. */
  lookback(parameters: Readonly<Record<string, number>>): number
  /** Of a recursive indicator: rows after which it no longer matters, to one part in a billion, where a series began. 0 for one that looks at a window. */
  unstable(parameters: Readonly<Record<string, number>>): number
  /** Where the formula comes from. */
  readonly reference: string
  create(parameters: Readonly<Record<string, number>>): Kernel
}

/** An indicator whose functions know its parameters by name. */
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

/** A number of bars. */
export function bars(usual: number, min = 1, meaning = 'bars'): Parameter {
  return { default: usual, min, max: 100_000, integer: true, meaning }
}

/** A factor. */
export function factor(usual: number, meaning: string, min = 0, max = 1000): Parameter {
  return { default: usual, min, max, integer: false, meaning }
}

/** Rows until a smoothing that keeps `kept` of its past with each row has forgotten all but one part in a billion. */
export function forgetting(kept: number): number {
  return kept <= 0 ? 0 : Math.ceil(Math.log(1e-9) / Math.log(kept))
}

/** Arrays for values between two passes of a kernel. */
export function scratch(count: number): Float64Array[] {
  return Array.from({ length: count }, () => new Float64Array(BLOCK_ROWS))
}
