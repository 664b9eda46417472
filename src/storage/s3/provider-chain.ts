import { fromNodeProviderChain } from '@aws-sdk/credential-providers'
import type { Credentials } from './sigv4.ts'

// The AWS SDK is loaded through this file when it is first needed.

export type Provided = Credentials & { readonly expiration?: Date | undefined }

/** What the SDK's default chain finds, or the named profile alone. */
export async function provideCredentials(profile: string | undefined): Promise<Provided> {
  return await fromNodeProviderChain(profile === undefined ? {} : { profile })()
}
