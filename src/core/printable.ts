// What comes from outside is escaped before it reaches a terminal, a page or a log, and secrets in addresses are masked.

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** The text with control characters and characters that change the direction of writing as \xNN or \uNNNN. Line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** user:password@ of an address. */
const USERINFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]*@/gi

/** Parameters of addresses and headers that carry a secret or a signature. */
const SECRET_PARAMETER =
  /\b((?:[a-z-]*secret[a-z-]*|password|passwd|pwd|token|access[_-]?token|session[_-]?token|x-amz-security-token|x-amz-signature|x-amz-credential|signature|sig|api[_-]?key|access[_-]?key(?:[_-]?id)?|awsaccesskeyid|authorization)=)[^&\s"',;}]+/gi

/** The text with the secrets of addresses as ***. */
export function masked(text: string): string {
  return text.replaceAll(USERINFO, '$1***@').replaceAll(SECRET_PARAMETER, '$1***')
}

/** Whether an address holds a secret. */
export function holdsSecret(address: string): boolean {
  return masked(address) !== address
}
