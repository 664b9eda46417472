import { LakehouseError } from '../../core/errors.ts'
import type { Provided } from './provider-chain.ts'
import type { Credentials } from './sigv4.ts'

/** Where credentials come from. They are asked for before each use, kept while they are valid, and fetched again shortly before they expire. */
export type CredentialSource = {
  get(): Promise<Credentials>
  /** Forgets what is kept: the store has refused it. */
  forget(): void
}

/** Temporary credentials are replaced so long before they expire. */
const EARLY_MS = 300_000

/**
 * The AWS SDK's default chain: environment, profile, SSO, web identity, container, instance; or the named profile alone.
 * Keys in the environment are used as they are, without loading the SDK. Throws CREDENTIALS_INVALID when the chain finds none.
 */
export function credentialChain(profile: string | undefined, environment: NodeJS.ProcessEnv, nowMs: () => number): CredentialSource {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment
  if (profile === undefined && environment['AWS_PROFILE'] === undefined && accessKeyId && secretAccessKey)
    return fixedCredentials({ accessKeyId, secretAccessKey, sessionToken })
  return cachedCredentials(async () => {
    const { provideCredentials } = await import('./provider-chain.ts')
    return await provideCredentials(profile)
  }, nowMs)
}

export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { get: async () => credentials, forget: () => {} }
}

export function cachedCredentials(provide: () => Promise<Provided>, nowMs: () => number): CredentialSource {
  let kept: Promise<Provided> | undefined
  const fetch = () => {
    kept = provide().catch((error: unknown) => {
      kept = undefined
      const reason = error instanceof Error ? error.message : String(error)
      throw new LakehouseError('CREDENTIALS_INVALID', `no credentials were found: ${reason}`, { cause: error })
    })
    return kept
  }
  return {
    get: async () => {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await (kept ?? fetch())
      if (expiration !== undefined && expiration.getTime() - nowMs() < EARLY_MS && kept !== undefined) {
        kept = undefined
        return await fetch()
      }
      return { accessKeyId, secretAccessKey, sessionToken }
    },
    forget: () => {
      kept = undefined
    },
  }
}
