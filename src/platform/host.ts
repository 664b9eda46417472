/** The environment of the program: clock, randomness, environment variables, and the abort signal. */
export type Host = {
  readonly nowMs: () => number
  readonly random: () => number
  readonly signal: AbortSignal
  readonly environment: NodeJS.ProcessEnv
}

/** A host with the given parts; the rest comes from this process, with a signal that never aborts. Only this function reads the process. */
export function hostOf(given: Partial<Host> = {}): Host {
  return {
    nowMs: () => Date.now(),
    random: () => Math.random(),
    signal: new AbortController().signal,
    environment: process.env,
    ...given,
  }
}
