/** What the outside gives to everything that runs: the clock, randomness, the environment, and the signal that ends it all. */
export type Host = {
  readonly nowMs: () => number
  readonly random: () => number
  readonly signal: AbortSignal
  readonly environment: NodeJS.ProcessEnv
}

/** A host with what is given, and this process for the rest: its clock and environment, and no signal. The one place that reads them. */
export function hostOf(given: Partial<Host> = {}): Host {
  return {
    nowMs: () => Date.now(),
    random: () => Math.random(),
    signal: new AbortController().signal,
    environment: process.env,
    ...given,
  }
}
